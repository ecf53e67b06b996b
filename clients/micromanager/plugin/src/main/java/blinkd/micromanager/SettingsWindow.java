package blinkd.micromanager;

import java.awt.BorderLayout;
import java.awt.Desktop;
import java.awt.Dimension;
import java.awt.GridLayout;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import java.net.URI;
import java.util.List;
import java.util.concurrent.ExecutionException;
import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JFrame;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JSpinner;
import javax.swing.JTextArea;
import javax.swing.JTextField;
import javax.swing.SpinnerNumberModel;
import javax.swing.SwingWorker;
import javax.swing.Timer;
import javax.swing.WindowConstants;

/**
 * The window behind "Configure": endpoint, queue length, live page; Test, Open live page; the status line.
 *
 * <p>In: typing. Out: {@link BlinkdConfigurator#apply}. Never: a second window or dialog, a wait on the event thread.
 */
final class SettingsWindow {
    private static final int STATUS_EVERY_MS = 500;
    private static final Dimension SIZE = new Dimension(620, 260);

    private final BlinkdConfigurator configurator;
    private final JFrame frame = new JFrame(BlinkdPlugin.NAME);
    private final JTextField endpoint = new JTextField();
    private final JSpinner queueFrames =
            new JSpinner(new SpinnerNumberModel(Settings.QUEUE_DEFAULT, 1, Settings.QUEUE_MAX, 1));
    private final JTextField page = new JTextField();
    private final JTextArea answer = new JTextArea();
    private final JTextArea status = new JTextArea();
    private final Timer timer;

    SettingsWindow(BlinkdConfigurator configurator) {
        this.configurator = configurator;
        timer = new Timer(STATUS_EVERY_MS, tick -> status.setText(configurator.statusLine()));
        frame.setDefaultCloseOperation(WindowConstants.HIDE_ON_CLOSE);
        frame.addWindowListener(new WindowAdapter() {
            @Override
            public void windowClosing(WindowEvent event) {
                apply();
                timer.stop();
            }
        });
        frame.add(fields(), BorderLayout.NORTH);
        frame.add(texts(), BorderLayout.CENTER);
        frame.add(buttons(), BorderLayout.SOUTH);
        frame.setSize(SIZE);
    }

    void open() {
        Settings now = configurator.settings();
        endpoint.setText(now.endpoint);
        page.setText(now.page);
        queueFrames.setValue(now.queueFrames); // last: its listener applies all three
        timer.start();
        frame.setVisible(true);
        frame.toFront();
    }

    void dispose() {
        timer.stop();
        frame.dispose();
    }

    private JPanel fields() {
        JPanel panel = new JPanel(new GridLayout(3, 2, 6, 6));
        panel.setBorder(BorderFactory.createEmptyBorder(10, 10, 0, 10));
        panel.add(new JLabel("Endpoint of the daemon (frames.endpoint)"));
        panel.add(endpoint);
        panel.add(new JLabel("Queue length, frames (more are dropped and counted)"));
        panel.add(queueFrames);
        panel.add(new JLabel("Live page (serve.listen)"));
        panel.add(page);
        endpoint.addActionListener(enter -> apply());
        page.addActionListener(enter -> apply());
        queueFrames.addChangeListener(turned -> apply());
        return panel;
    }

    private JPanel texts() {
        JPanel panel = new JPanel(new GridLayout(2, 1, 0, 4));
        panel.setBorder(BorderFactory.createEmptyBorder(10, 10, 10, 10));
        for (JTextArea area : new JTextArea[] {status, answer}) {
            area.setEditable(false);
            area.setLineWrap(true);
            area.setWrapStyleWord(true);
            area.setOpaque(false);
            panel.add(area);
        }
        return panel;
    }

    private JPanel buttons() {
        JPanel panel = new JPanel();
        JButton test = new JButton("Test connection");
        test.addActionListener(click -> test(test));
        panel.add(test);
        JButton open = new JButton("Open live page");
        open.addActionListener(click -> openPage());
        panel.add(open);
        return panel;
    }

    private boolean apply() {
        Settings wanted = new Settings(endpoint.getText(), (Integer) queueFrames.getValue(), page.getText());
        List<String> problems = configurator.apply(wanted);
        answer.setText(String.join("\n", problems));
        return problems.isEmpty();
    }

    private void test(JButton button) {
        if (!apply()) {
            return;
        }
        Settings settings = configurator.settings();
        button.setEnabled(false);
        answer.setText("Testing ...");
        new SwingWorker<String, Void>() {
            @Override
            protected String doInBackground() {
                return ConnectionTest.run(settings);
            }

            @Override
            protected void done() {
                button.setEnabled(true);
                try {
                    answer.setText(get());
                } catch (InterruptedException | ExecutionException error) {
                    answer.setText("The test itself failed: " + error);
                }
            }
        }.execute();
    }

    private void openPage() {
        if (!apply()) {
            return;
        }
        String address = configurator.settings().page;
        try {
            Desktop.getDesktop().browse(URI.create(address));
        } catch (Exception noBrowser) {
            answer.setText("No browser could be opened here: open " + address + " yourself.");
        }
    }
}
