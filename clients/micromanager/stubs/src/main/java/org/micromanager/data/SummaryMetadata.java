package org.micromanager.data;

import java.util.List;
import org.micromanager.MultiStagePosition;
import org.micromanager.acquisition.SequenceSettings;

/** What is known of an acquisition before its first image; null is not known. */
public interface SummaryMetadata {
    String getPrefix();

    String getMicroManagerVersion();

    String getStartDate();

    String getChannelGroup();

    List<String> getChannelNameList();

    Double getWaitInterval();

    List<String> getOrderedAxes();

    Coords getIntendedDimensions();

    List<MultiStagePosition> getStagePositionList();

    SequenceSettings getSequenceSettings();
}
