package blinkd.driver;

import blinkd.studio.FakeImage;
import blinkd.studio.FakePipeline;
import blinkd.studio.FakeStudio;
import blinkd.studio.FakeSummary;
import blinkd.studio.PluginJar;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.micromanager.PropertyMap;
import org.micromanager.PropertyMaps;
import org.micromanager.data.Coords;
import org.micromanager.data.Processor;
import org.micromanager.data.ProcessorPlugin;

/**
 * Acts as a Studio that runs an acquisition of a grid with the plugin in its pipeline.
 *
 * <p>In: arguments JAR ENDPOINT QUEUE_FRAMES FRAMES_PER_TILE SIDE_PX GRID, then lines "tiles FROM TO", "paced FROM TO FPS"
 * and "end". Out: a line for each, and the plugin's log. Never: a pause but the camera's; whoever writes the
 * lines knows when.
 */
public final class StudioDriver {
    private static final double STEP_UM = 6.2208;

    private final FakeStudio studio = new FakeStudio();
    private final FakePipeline pipeline = new FakePipeline();
    private final Random random = new Random(33);
    private final int framesPerTile;
    private final int sidePx;
    private final Processor processor;

    private StudioDriver(ProcessorPlugin plugin, String[] arguments) {
        framesPerTile = Integer.parseInt(arguments[3]);
        sidePx = Integer.parseInt(arguments[4]);
        int grid = Integer.parseInt(arguments[5]);
        plugin.setContext(studio);
        PropertyMap typed = PropertyMaps.builder()
                .putString("endpoint", arguments[1])
                .putInteger("queueFrames", Integer.parseInt(arguments[2]))
                .build();
        PropertyMap settings = plugin.createConfigurator(typed).getSettings();
        processor = plugin.createFactory(settings).createProcessor();
        processor.processSummaryMetadata(FakeSummary.grid("studio", framesPerTile, grid, grid, STEP_UM));
    }

    private void tiles(int from, int to) {
        for (int position = from; position < to; position++) {
            for (int frame = 0; frame < framesPerTile; frame++) {
                processor.processImage(image(FakeImage.noise(random, sidePx).pixels, position, frame), pipeline);
            }
        }
    }

    /** The same at a camera's rate; returns how long each image was in the plugin, ascending, us. */
    private long[] paced(int from, int to, double fps) {
        long[] tookUs = new long[(to - from) * framesPerTile];
        Object pixels = FakeImage.noise(random, sidePx).pixels;
        long startNs = System.nanoTime();
        for (int i = 0; i < tookUs.length; i++) {
            long dueNs = startNs + (long) (i * 1e9 / fps);
            for (long now = System.nanoTime(); now < dueNs; now = System.nanoTime()) {
                LockSupport.parkNanos(dueNs - now); // the camera exposes
            }
            FakeImage image = image(pixels, from + i / framesPerTile, i % framesPerTile);
            long beganNs = System.nanoTime();
            processor.processImage(image, pipeline);
            tookUs[i] = (System.nanoTime() - beganNs) / 1000;
        }
        Arrays.sort(tookUs);
        return tookUs;
    }

    private FakeImage image(Object pixels, int position, int frame) {
        FakeImage image = new FakeImage(pixels, sidePx, sidePx)
                .at(Coords.STAGE_POSITION, position)
                .at(Coords.TIME_POINT, frame);
        image.imageNumber = (long) frame;
        return image;
    }

    private void end() throws InterruptedException {
        processor.cleanup(pipeline);
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("blinkd-sender")) {
                thread.join();
            }
        }
    }

    public static void main(String[] arguments) throws IOException, ReflectiveOperationException, InterruptedException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (PluginJar jar = new PluginJar(Paths.get(arguments[0]))) {
            StudioDriver driver = new StudioDriver(jar.plugin(), arguments);
            System.out.println("ready");
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ");
                if (words[0].equals("tiles")) {
                    driver.tiles(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
                    System.out.println("passed " + driver.pipeline.passed);
                } else if (words[0].equals("paced")) {
                    long[] us = driver.paced(
                            Integer.parseInt(words[1]), Integer.parseInt(words[2]), Double.parseDouble(words[3]));
                    System.out.println("passed " + driver.pipeline.passed + " median_us " + us[us.length / 2]
                            + " p99_us " + us[us.length * 99 / 100] + " slowest_us " + us[us.length - 1]);
                } else {
                    driver.end();
                    System.out.println("ended");
                    driver.studio.log.forEach(System.out::println);
                    return;
                }
            }
        }
    }
}
