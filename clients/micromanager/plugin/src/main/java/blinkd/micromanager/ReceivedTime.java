package blinkd.micromanager;

import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When Micro-Manager says it received an image, as UTC.
 *
 * <p>In: "2026-11-20 09:25:50.500123", in local time, or with a zone as " +0100"; and now. Out: ns since 1970; now,
 * where the text says nothing, is only exact to seconds, or is further from now than any frame can have waited.
 */
final class ReceivedTime {
    static final long TOLERANCE_NS = 60_000_000_000L;

    private static final Pattern FORM =
            Pattern.compile("(\\d{4}-\\d\\d-\\d\\d) (\\d\\d:\\d\\d:\\d\\d\\.\\d{3,9})(?: ([+-]\\d{4}))?");
    private static final long NS_PER_S = 1_000_000_000L;

    private ReceivedTime() {}

    static long unixNs(String text, long nowUnixNs, ZoneId localZone) {
        Matcher parts = FORM.matcher(text == null ? "" : text.trim());
        if (!parts.matches()) {
            return nowUnixNs;
        }
        try {
            LocalDateTime local = LocalDateTime.parse(parts.group(1) + "T" + parts.group(2));
            OffsetDateTime received = parts.group(3) == null
                    ? local.atZone(localZone).toOffsetDateTime()
                    : local.atOffset(ZoneOffset.of(parts.group(3)));
            long unixNs = received.toEpochSecond() * NS_PER_S + received.getNano();
            return Math.abs(nowUnixNs - unixNs) <= TOLERANCE_NS ? unixNs : nowUnixNs;
        } catch (DateTimeException noTime) {
            return nowUnixNs;
        }
    }
}
