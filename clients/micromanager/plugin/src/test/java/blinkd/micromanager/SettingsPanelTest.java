package blinkd.micromanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import blinkd.stream.FakeDaemon;
import blinkd.stream.Until;
import blinkd.studio.FakeStudio;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import javax.swing.SwingUtilities;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.micromanager.PropertyMaps;

/** The panel's widgets, without a screen. */
class SettingsPanelTest {
    private final FakeStudio studio = new FakeStudio();
    private final BlinkdConfigurator configurator =
            new BlinkdConfigurator(studio, PropertyMaps.emptyPropertyMap(), new StatusBoard());
    private SettingsPanel panel;

    @BeforeEach
    void makes() throws InterruptedException, InvocationTargetException {
        onEventThread(() -> panel = new SettingsPanel(configurator));
    }

    private static void onEventThread(Runnable what) throws InterruptedException, InvocationTargetException {
        SwingUtilities.invokeAndWait(what);
    }

    @Test
    void itShowsWhatIsSetAndTakesOverWhatIsTyped() throws Exception {
        assertEquals("tcp://127.0.0.1:5766", panel.endpoint.getText());
        onEventThread(() -> {
            panel.endpoint.setText("tcp://127.0.0.1:6000");
            panel.queueFrames.setValue(64); // applies, as turning it does
        });
        assertEquals("tcp://127.0.0.1:6000", configurator.settings().endpoint);
        assertEquals(64, configurator.settings().queueFrames);
        assertEquals("", panel.answer.getText());
    }

    @Test
    void itSaysWhatIsWrongInPlaceAndKeepsWhatWasSet() throws Exception {
        onEventThread(() -> {
            panel.endpoint.setText("localhost");
            assertFalse(panel.apply());
        });
        assertTrue(panel.answer.getText().contains("write tcp://HOST:PORT"), panel.answer.getText());
        assertEquals(Settings.defaults(), configurator.settings());
    }

    @Test
    void testAnswersWithoutHoldingUpTheEventThread() throws Exception {
        try (FakeDaemon daemon = FakeDaemon.start()) {
            onEventThread(() -> {
                panel.endpoint.setText(daemon.endpoint());
                panel.page.setText("http://127.0.0.1:1/");
                panel.test.doClick(0);
                assertFalse(panel.test.isEnabled());
                assertEquals("Testing ...", panel.answer.getText());
            });
            Until.holds("the test has ended", panel.test::isEnabled);
            onEventThread(() -> assertTrue(
                    panel.answer.getText().contains("a daemon answers at " + daemon.endpoint()),
                    panel.answer.getText()));
        } catch (IOException noPort) {
            throw new AssertionError(noPort);
        }
    }

    @Test
    void theStatusLineIsTheConfigurators() throws Exception {
        onEventThread(() -> panel.lookAtStatus());
        assertTrue(panel.status.getText().startsWith("idle"), panel.status.getText());
    }
}
