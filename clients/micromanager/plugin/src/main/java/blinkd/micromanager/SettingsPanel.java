package blinkd.micromanager;

import java.awt.BorderLayout;
import java.awt.Desktop;
import java.awt.GridLayout;
import java.net.URI;
import java.util.List;
import java.util.concurrent.ExecutionException;
import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JSpinner;
import javax.swing.JTextArea;
import javax.swing.JTextField;
import javax.swing.SpinnerNumberModel;
import javax.swing.SwingWorker;

/**
 * What stands in the window behind "Configure": endpoint, queue length, live page; Test, Open live page; the status.
 *
 * <p>In: typing. Out: {@link BlinkdConfigurator#apply}. Never: a dialog, a wait on the event thread.
 */
final class SettingsPanel extends JPanel {
    final JTextField endpoint = new JTextField();
    final JSpinner queueFrames =
            new JSpinner(new SpinnerNumberModel(Settings.QUEUE_DEFAULT, 1, Settings.QUEUE_MAX, 1));
    final JTextField page = new JTextField();
    final JButton test = new JButton("Test connection");
    /** What Test said, or what is wrong with what was typed. */
    final JTextArea answer = new JTextArea();

    final JTextArea status = new JTextArea();
    private final BlinkdConfigurator configurator;

    SettingsPanel(BlinkdConfigurator configurator) {
        super(new BorderLayout());
        this.configurator = configurator;
        setBorder(BorderFactory.createEmptyBorder(10, 10, 4, 10));
        add(fields(), BorderLayout.NORTH);
        add(texts(), BorderLayout.CENTER);
        add(buttons(), BorderLayout.SOUTH);
        show(configurator.settings());
        endpoint.addActionListener(enter -> apply());
        page.addActionListener(enter -> apply());
        queueFrames.addChangeListener(turned -> apply());
    }

    void lookAtStatus() {
        status.setText(configurator.statusLine());
    }

    /** Takes over what was typed, or says what is wrong with it. */
    boolean apply() {
        Settings wanted = new Settings(endpoint.getText(), (Integer) queueFrames.getValue(), page.getText());
        List<String> problems = configurator.apply(wanted);
        answer.setText(String.join("\n", problems));
        return problems.isEmpty();
    }

    private void show(Settings settings) {
        endpoint.setText(settings.endpoint);
        queueFrames.setValue(settings.queueFrames);
        page.setText(settings.page);
    }

    private JComponent fields() {
        JPanel panel = new JPanel(new GridLayout(3, 2, 6, 6));
        panel.add(new JLabel("Endpoint of the daemon (frames.endpoint)"));
        panel.add(endpoint);
        panel.add(new JLabel("Queue length, frames (more are dropped)"));
        panel.add(queueFrames);
        panel.add(new JLabel("Live page (serve.listen)"));
        panel.add(page);
        return panel;
    }

    private JComponent texts() {
        JPanel panel = new JPanel(new GridLayout(2, 1, 0, 4));
        panel.setBorder(BorderFactory.createEmptyBorder(10, 0, 4, 0));
        for (JTextArea area : new JTextArea[] {status, answer}) {
            area.setEditable(false);
            area.setLineWrap(true);
            area.setWrapStyleWord(true);
            area.setOpaque(false);
            panel.add(area);
        }
        return panel;
    }

    private JComponent buttons() {
        JPanel panel = new JPanel();
        test.addActionListener(click -> test());
        panel.add(test);
        JButton open = new JButton("Open live page");
        open.addActionListener(click -> openPage());
        panel.add(open);
        return panel;
    }

    private void test() {
        if (!apply()) {
            return;
        }
        Settings settings = configurator.settings();
        test.setEnabled(false);
        answer.setText("Testing ...");
        new SwingWorker<String, Void>() {
            @Override
            protected String doInBackground() {
                return ConnectionTest.run(settings);
            }

            @Override
            protected void done() {
                test.setEnabled(true);
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
