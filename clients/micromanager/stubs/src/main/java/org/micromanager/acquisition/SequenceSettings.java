package org.micromanager.acquisition;

/** The plan of an acquisition; the plugin only asks whether there is one. */
public class SequenceSettings {}
