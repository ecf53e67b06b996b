package org.micromanager;

import org.micromanager.propertymap.MutablePropertyMapView;

/** What is kept for a user between two starts. */
public interface UserProfile {
    MutablePropertyMapView getSettings(Class<?> owner);
}
