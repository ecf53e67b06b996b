package blinkd.micromanager;

import blinkd.stream.Clock;
import blinkd.stream.Endpoint;
import blinkd.stream.ZmtpPush;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URL;

/**
 * What the button Test does: ZeroMQ's handshake with the endpoint, and a look whether the live page answers.
 *
 * <p>In: settings. Out: one sentence for each, with the remedy. Never: a frame; a wait of more than 2 s for each.
 */
final class ConnectionTest {
    private static final int PATIENCE_MS = 2000;

    private ConnectionTest() {}

    static String run(Settings settings) {
        if (!settings.problems().isEmpty()) {
            return String.join(" ", settings.problems());
        }
        return frames(settings) + " " + page(settings);
    }

    private static String frames(Settings settings) {
        long startedMs = Clock.SYSTEM.monotonicMs();
        try (ZmtpPush push = ZmtpPush.connect(Endpoint.parse(settings.endpoint), PATIENCE_MS)) {
            return "Frames: a daemon answers at " + settings.endpoint + " ("
                    + (Clock.SYSTEM.monotonicMs() - startedMs) + " ms).";
        } catch (IOException error) {
            return "Frames: no daemon at " + settings.endpoint + ": " + error.getMessage()
                    + ". Start 'blinkd serve', or name its frames.endpoint here.";
        }
    }

    private static String page(Settings settings) {
        HttpURLConnection connection = null;
        try {
            connection = (HttpURLConnection) new URL(settings.page).openConnection();
            connection.setConnectTimeout(PATIENCE_MS);
            connection.setReadTimeout(PATIENCE_MS);
            int code = connection.getResponseCode();
            return code == HttpURLConnection.HTTP_OK
                    ? "Live page: it answers."
                    : "Live page: " + settings.page + " answers with " + code
                            + "; name the daemon's serve.listen here.";
        } catch (IOException error) {
            return "Live page: " + settings.page + " does not answer (" + error.getMessage()
                    + "); name the daemon's serve.listen here. Frames are not affected.";
        } finally {
            if (connection != null) {
                connection.disconnect();
            }
        }
    }
}
