package blinkd.micromanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import blinkd.stream.FakeDaemon;
import blinkd.studio.FakeStudio;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.micromanager.PropertyMap;
import org.micromanager.PropertyMaps;

/** What is typed, kept and tested; without a window. */
class SettingsTest {
    private static final Settings OTHER = new Settings("tcp://127.0.0.1:6000", 8, "http://127.0.0.1:6001/");

    private final FakeStudio studio = new FakeStudio();
    private final StatusBoard board = new StatusBoard();

    private BlinkdConfigurator configurator(PropertyMap given) {
        return new BlinkdConfigurator(studio, given, board);
    }

    @Test
    void whatWasNeverSetIsTheDaemonsDefault() {
        Settings settings = configurator(PropertyMaps.emptyPropertyMap()).settings();
        assertEquals(Settings.defaults(), settings);
        assertEquals("tcp://127.0.0.1:5766", settings.endpoint);
        assertEquals("http://127.0.0.1:5767/", settings.page);
        assertEquals(32, settings.queueFrames);
    }

    @Test
    void whatWasSetIsKeptInTheProfileAndInThePipeline() {
        BlinkdConfigurator first = configurator(PropertyMaps.emptyPropertyMap());
        assertTrue(first.apply(OTHER).isEmpty());
        assertEquals(1, studio.pipelineChanges.get());
        assertEquals(OTHER, configurator(PropertyMaps.emptyPropertyMap()).settings());
        assertEquals(OTHER, Settings.from(first.getSettings(), Settings.defaults()));
        assertTrue(first.apply(OTHER).isEmpty());
        assertEquals(1, studio.pipelineChanges.get(), "nothing has changed");
    }

    @Test
    void aSavedPipelineGoesBeforeTheProfile() {
        Settings.defaults().keepIn(studio);
        assertEquals(OTHER, configurator(OTHER.toPropertyMap()).settings());
    }

    @Test
    void everythingThatIsWrongIsSaidAtOnceAndNothingIsTakenOver() {
        BlinkdConfigurator configurator = configurator(PropertyMaps.emptyPropertyMap());
        java.util.List<String> problems = configurator.apply(new Settings("localhost", 0, "blinkd"));
        assertEquals(3, problems.size());
        assertTrue(problems.get(0).contains("endpoint 'localhost': write tcp://HOST:PORT"), problems.toString());
        assertTrue(problems.get(1).contains("queue length 0: choose 1 to 4096"), problems.toString());
        assertTrue(problems.get(2).contains("live page 'blinkd': write http://HOST:PORT/"), problems.toString());
        assertEquals(Settings.defaults(), configurator.settings());
        assertEquals(0, studio.pipelineChanges.get());
    }

    @Test
    void aSavedPipelineThatIsBrokenFallsBackToTheDefaults() {
        PropertyMap broken = new Settings("nonsense", -1, "").toPropertyMap();
        assertEquals(Settings.defaults(), configurator(broken).settings());
    }

    @Test
    void theConnectionTestSaysWhatAnswersAndWhatDoesNot() throws IOException {
        FakeDaemon daemon = FakeDaemon.start();
        Settings there = new Settings(daemon.endpoint(), 8, "http://127.0.0.1:1/");
        String said = ConnectionTest.run(there);
        assertTrue(said.contains("Frames: a daemon answers at " + daemon.endpoint()), said);
        assertTrue(said.contains("Live page: http://127.0.0.1:1/ does not answer"), said);
        daemon.close();
        said = ConnectionTest.run(there);
        assertTrue(said.contains("Frames: no daemon at " + daemon.endpoint()), said);
        assertTrue(said.contains("Start 'blinkd serve'"), said);
    }

    @Test
    void theConnectionTestOfWrongSettingsSaysWhatIsWrong() {
        assertTrue(ConnectionTest.run(new Settings("x", 8, Settings.PAGE_DEFAULT)).contains("write tcp://HOST:PORT"));
    }
}
