package blinkd.micromanager;

import java.util.List;
import java.util.StringJoiner;
import org.micromanager.data.Coords;
import org.micromanager.data.SummaryMetadata;

/**
 * What of the summary metadata goes with a series, as JSON: Micro-Manager's own names; no person, machine or
 * folder, and no position, as each frame has its own.
 */
final class SummaryJson {
    /** Longer texts are cut: the daemon takes descriptions of up to a megabyte. */
    private static final int TEXT_MAX = 4096;

    private static final int NAMES_MAX = 64;

    private SummaryJson() {}

    static String of(SummaryMetadata summary) {
        StringJoiner fields = new StringJoiner(",", "{", "}");
        text(fields, "Prefix", summary.getPrefix());
        text(fields, "StartTime", summary.getStartDate());
        text(fields, "MicroManagerVersion", summary.getMicroManagerVersion());
        text(fields, "ChannelGroup", summary.getChannelGroup());
        texts(fields, "ChNames", summary.getChannelNameList());
        texts(fields, "AxisOrder", summary.getOrderedAxes());
        Coords dimensions = summary.getIntendedDimensions();
        if (dimensions != null) {
            StringJoiner axes = new StringJoiner(",", "{", "}");
            for (String axis : dimensions.getAxes()) {
                axes.add(quoted(axis) + ":" + dimensions.getIndex(axis));
            }
            fields.add(quoted("IntendedDimensions") + ":" + axes);
        }
        return fields.toString();
    }

    private static void text(StringJoiner fields, String name, String value) {
        if (value != null && !value.isEmpty()) {
            fields.add(quoted(name) + ":" + quoted(value));
        }
    }

    private static void texts(StringJoiner fields, String name, List<String> values) {
        if (values != null && !values.isEmpty()) {
            StringJoiner list = new StringJoiner(",", "[", "]");
            values.stream().limit(NAMES_MAX).forEach(value -> list.add(quoted(value)));
            fields.add(quoted(name) + ":" + list);
        }
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        int end = Math.min(text.length(), TEXT_MAX);
        for (int i = 0; i < end; i++) {
            char one = text.charAt(i);
            if (one == '"' || one == '\\') {
                out.append('\\').append(one);
            } else if (one < ' ' || Character.isSurrogate(one)) {
                out.append(String.format("\\u%04x", (int) one));
            } else {
                out.append(one);
            }
        }
        return out.append('"').toString();
    }
}
