package blinkd.studio;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.micromanager.data.Coords;

/** Coordinates, or lengths of axes. An axis that was never set counts as 0, as in Micro-Manager. */
public final class FakeCoords implements Coords {
    private final Map<String, Integer> indices = new LinkedHashMap<>();

    public FakeCoords set(String axis, int index) {
        indices.put(axis, index);
        return this;
    }

    @Override
    public int getIndex(String axis) {
        return indices.getOrDefault(axis, 0);
    }

    @Override
    public List<String> getAxes() {
        return new ArrayList<>(indices.keySet());
    }
}
