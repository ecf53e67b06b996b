package blinkd.micromanager;

import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import javax.swing.JFrame;
import javax.swing.Timer;
import javax.swing.WindowConstants;

/**
 * The window around a {@link SettingsPanel}; closing it applies what was typed.
 *
 * <p>In: clicks. Out: a fresh status line twice a second, while it is open. Never: a second window.
 */
final class SettingsWindow {
    private static final int STATUS_EVERY_MS = 500;
    private static final int WIDTH_PX = 640;
    private static final int HEIGHT_PX = 280;

    private final JFrame frame = new JFrame(BlinkdPlugin.NAME);
    private final Timer timer;

    SettingsWindow(BlinkdConfigurator configurator) {
        SettingsPanel panel = new SettingsPanel(configurator);
        timer = new Timer(STATUS_EVERY_MS, tick -> panel.lookAtStatus());
        timer.setInitialDelay(0);
        frame.setDefaultCloseOperation(WindowConstants.HIDE_ON_CLOSE);
        frame.addWindowListener(new WindowAdapter() {
            @Override
            public void windowClosing(WindowEvent event) {
                panel.apply();
                timer.stop();
            }
        });
        frame.add(panel);
        frame.setSize(WIDTH_PX, HEIGHT_PX);
    }

    void open() {
        timer.start();
        frame.setVisible(true);
        frame.toFront();
    }

    void dispose() {
        timer.stop();
        frame.dispose();
    }
}
