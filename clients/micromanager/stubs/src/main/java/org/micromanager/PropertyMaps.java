package org.micromanager;

import java.util.HashMap;
import java.util.Map;

/** Makes property maps. */
public final class PropertyMaps {
    private PropertyMaps() {}

    public static PropertyMap.Builder builder() {
        return new MapBuilder();
    }

    public static PropertyMap emptyPropertyMap() {
        return builder().build();
    }

    private static final class MapBuilder implements PropertyMap.Builder {
        private final Map<String, Object> values = new HashMap<>();

        @Override
        public PropertyMap.Builder putString(String key, String value) {
            values.put(key, value);
            return this;
        }

        @Override
        public PropertyMap.Builder putInteger(String key, Integer value) {
            values.put(key, value);
            return this;
        }

        @Override
        public PropertyMap build() {
            return new FixedMap(new HashMap<>(values));
        }
    }

    private static final class FixedMap implements PropertyMap {
        private final Map<String, Object> values;

        FixedMap(Map<String, Object> values) {
            this.values = values;
        }

        @Override
        public String getString(String key, String otherwise) {
            return (String) values.getOrDefault(key, otherwise);
        }

        @Override
        public int getInteger(String key, int otherwise) {
            return (Integer) values.getOrDefault(key, otherwise);
        }
    }
}
