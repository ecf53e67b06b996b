package blinkd.micromanager;

import org.micromanager.PropertyMap;
import org.micromanager.Studio;
import org.micromanager.data.ProcessorConfigurator;
import org.micromanager.data.ProcessorFactory;
import org.micromanager.data.ProcessorPlugin;
import org.scijava.plugin.Plugin;
import org.scijava.plugin.SciJavaPlugin;

/**
 * What Micro-Manager finds in the jar.
 *
 * <p>In: the Studio. Out: configurators and processors that share one {@link StatusBoard}. Never: work of its own.
 */
@Plugin(type = ProcessorPlugin.class)
public class BlinkdPlugin implements ProcessorPlugin, SciJavaPlugin {
    static final String NAME = "blinkd live super-resolution";

    private final StatusBoard board = new StatusBoard();
    private Studio studio;

    @Override
    public void setContext(Studio context) {
        studio = context;
    }

    @Override
    public ProcessorConfigurator createConfigurator(PropertyMap settings) {
        return new BlinkdConfigurator(studio, settings, board);
    }

    @Override
    public ProcessorFactory createFactory(PropertyMap settings) {
        Settings given = Settings.from(settings, Settings.fromProfile(studio.profile()));
        return () -> new FrameTap(given, StudioCore.of(studio), new StudioLog(studio.logs()), board, version());
    }

    @Override
    public String getName() {
        return NAME;
    }

    @Override
    public String getHelpText() {
        return "Shows each image to a blinkd daemon, which makes a growing super-resolution picture of them. "
                + "Images are passed on first and unchanged; a slow or absent daemon never holds up the acquisition.";
    }

    @Override
    public String getVersion() {
        return version();
    }

    @Override
    public String getCopyright() {
        return "The blinkd authors; MIT or Apache-2.0";
    }

    private static String version() {
        String built = BlinkdPlugin.class.getPackage().getImplementationVersion();
        return built == null ? "unpackaged" : built;
    }
}
