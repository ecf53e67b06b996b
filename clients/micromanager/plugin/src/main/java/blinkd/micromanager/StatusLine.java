package blinkd.micromanager;

import java.util.Locale;

/**
 * The status as one line, with the rate between two looks.
 *
 * <p>In: looks at the {@link StatusBoard} and when they were taken. Out: text. Never: a clock.
 */
final class StatusLine {
    private long lastMs;
    private long lastSent = -1;

    String next(StatusBoard.Status now, long nowMs) {
        double fps = 0;
        // A smaller number is another acquisition's.
        if (lastSent >= 0 && nowMs > lastMs && now.counts.sent >= lastSent) {
            fps = (now.counts.sent - lastSent) * 1000.0 / (nowMs - lastMs);
        }
        lastMs = nowMs;
        lastSent = now.counts.sent;
        return String.format(
                Locale.ROOT,
                "%s, %.1f frames/s, %d sent, %d waiting, %d dropped; last error: %s",
                state(now),
                fps,
                now.counts.sent,
                now.counts.waiting,
                now.counts.dropped,
                now.lastError.isEmpty() ? "none" : now.lastError);
    }

    private static String state(StatusBoard.Status now) {
        if (!now.running) {
            return "idle (connects when an acquisition starts)";
        }
        return now.connected ? "connected" : "NOT CONNECTED";
    }
}
