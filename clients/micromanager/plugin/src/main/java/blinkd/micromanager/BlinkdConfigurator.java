package blinkd.micromanager;

import blinkd.stream.Clock;
import java.util.List;
import javax.swing.SwingUtilities;
import org.micromanager.PropertyMap;
import org.micromanager.Studio;
import org.micromanager.data.ProcessorConfigurator;

/**
 * The settings of one row in the pipeline, and what their window shows.
 *
 * <p>In: what a person types. Out: settings for processors, kept in the profile. Never: a widget ({@link
 * SettingsWindow} has those), settings with a problem.
 */
final class BlinkdConfigurator implements ProcessorConfigurator {
    private final Studio studio;
    private final StatusBoard board;
    private final StatusLine line = new StatusLine();
    private Settings settings;
    private SettingsWindow window;

    BlinkdConfigurator(Studio studio, PropertyMap given, StatusBoard board) {
        this.studio = studio;
        this.board = board;
        Settings kept = Settings.from(given, Settings.fromProfile(studio.profile()));
        settings = kept.problems().isEmpty() ? kept : Settings.defaults();
    }

    @Override
    public void showGUI() {
        SwingUtilities.invokeLater(() -> {
            if (window == null) {
                window = new SettingsWindow(this);
            }
            window.open();
        });
    }

    @Override
    public void cleanup() {
        SwingUtilities.invokeLater(() -> {
            if (window != null) {
                window.dispose();
                window = null;
            }
        });
    }

    @Override
    public PropertyMap getSettings() {
        return settings().toPropertyMap();
    }

    synchronized Settings settings() {
        return settings;
    }

    /** Takes settings over, unless something is wrong with them: then says what, and changes nothing. */
    synchronized List<String> apply(Settings wanted) {
        List<String> problems = wanted.problems();
        if (problems.isEmpty() && !wanted.equals(settings)) {
            settings = wanted;
            wanted.keepIn(studio.profile());
            // Live makes its pipeline anew; an acquisition that runs keeps what it started with.
            studio.data().notifyPipelineChanged();
        }
        return problems;
    }

    String statusLine() {
        return line.next(board.look(), Clock.SYSTEM.monotonicMs());
    }
}
