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
import java.util.Random;
import org.micromanager.PropertyMap;
import org.micromanager.PropertyMaps;
import org.micromanager.data.Coords;
import org.micromanager.data.Processor;
import org.micromanager.data.ProcessorPlugin;

/**
 * Acts as a Studio that runs an acquisition of a grid with the plugin in its pipeline.
 *
 * <p>In: arguments JAR ENDPOINT QUEUE_FRAMES FRAMES_PER_TILE SIDE_PX GRID, then lines "tiles FROM TO" and "end". Out: a
 * line for each, and the plugin's log. Never: a pause of its own; whoever writes the lines knows when.
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
                FakeImage image = FakeImage.noise(random, sidePx)
                        .at(Coords.STAGE_POSITION, position)
                        .at(Coords.TIME_POINT, frame);
                image.imageNumber = (long) frame;
                processor.processImage(image, pipeline);
            }
        }
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
