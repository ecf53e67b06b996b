package blinkd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import blinkd.stream.FakeDaemon;
import blinkd.studio.FakeImage;
import blinkd.studio.FakePipeline;
import blinkd.studio.FakeStudio;
import blinkd.studio.FakeSummary;
import blinkd.studio.PluginJar;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.micromanager.PropertyMaps;
import org.micromanager.data.Processor;
import org.micromanager.data.ProcessorPlugin;

/** The jar that was built: what is in it, and that it works as Micro-Manager would load it. */
class PluginJarIT {
    private static final Path JAR = Paths.get(System.getProperty("blinkd.jar"));
    private static final int JAVA_8 = 52;

    private static List<String> entries() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            return jar.stream()
                    .filter(entry -> !entry.isDirectory())
                    .map(JarEntry::getName)
                    .collect(Collectors.toList());
        }
    }

    @Test
    void itHoldsOursAndTheIndexAndNothingOfMicroManagerOrAnyLibrary() throws IOException {
        List<String> entries = entries();
        assertTrue(entries.contains("META-INF/json/org.scijava.plugin.Plugin"), entries.toString());
        List<String> foreign = entries.stream()
                .filter(name -> !name.startsWith("blinkd/stream/") && !name.startsWith("blinkd/micromanager/"))
                .filter(name -> !name.startsWith("META-INF/"))
                .collect(Collectors.toList());
        assertEquals(Collections.emptyList(), foreign);
    }

    @Test
    void itsClassesAreForJava8() throws IOException {
        try (JarFile jar = new JarFile(JAR.toFile())) {
            for (String name : entries()) {
                if (!name.endsWith(".class")) {
                    continue;
                }
                try (DataInputStream in = new DataInputStream(jar.getInputStream(jar.getEntry(name)))) {
                    assertEquals(0xCAFEBABE, in.readInt());
                    in.readUnsignedShort();
                    assertEquals(JAVA_8, in.readUnsignedShort(), name);
                }
            }
        }
    }

    @Test
    void thePluginThatItsIndexNamesSendsFrames() throws IOException, ReflectiveOperationException {
        try (PluginJar jar = new PluginJar(JAR);
                FakeDaemon daemon = FakeDaemon.start()) {
            ProcessorPlugin plugin = jar.plugin();
            assertEquals(System.getProperty("blinkd.version"), plugin.getVersion());
            FakeStudio studio = new FakeStudio();
            plugin.setContext(studio);
            Processor processor = plugin.createFactory(PropertyMaps.builder()
                            .putString("endpoint", daemon.endpoint())
                            .build())
                    .createProcessor();
            FakePipeline pipeline = new FakePipeline();
            processor.processSummaryMetadata(FakeSummary.burst("jar", 3));
            for (int i = 0; i < 3; i++) {
                processor.processImage(FakeImage.noise(new Random(i), 16), pipeline);
            }
            processor.cleanup(pipeline);
            assertEquals(3, daemon.framesUntilTheEnd());
            assertEquals(3, pipeline.passed.get());
        }
    }
}
