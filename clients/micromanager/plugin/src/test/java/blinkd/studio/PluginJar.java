package blinkd.studio;

import java.io.Closeable;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.Enumeration;
import org.micromanager.data.ProcessorPlugin;
import org.scijava.plugin.DefaultPluginFinder;
import org.scijava.plugin.PluginIndex;
import org.scijava.plugin.PluginInfo;

/**
 * The jar as Micro-Manager meets it: found by SciJava, loaded from the jar alone.
 *
 * <p>In: a path. Out: the plugin. Never: a class of the plugin from anywhere else than the jar.
 */
public final class PluginJar implements Closeable {
    private final URLClassLoader loader;

    public PluginJar(Path jar) throws IOException {
        loader = new OwnFirst(jar.toUri().toURL());
    }

    public ProcessorPlugin plugin() throws ReflectiveOperationException {
        PluginIndex index = new PluginIndex(new DefaultPluginFinder(loader));
        index.discover();
        for (PluginInfo<?> found : index.getAll()) {
            if (found.getPluginType() == ProcessorPlugin.class) {
                Class<?> plugin = Class.forName(found.getClassName(), false, loader);
                return (ProcessorPlugin) plugin.getDeclaredConstructor().newInstance();
            }
        }
        throw new ClassNotFoundException("SciJava finds no processor plugin in the jar: " + index.getAll());
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }

    /** Tests run with the plugin's classes on their path, too; here only those in the jar count. */
    private static final class OwnFirst extends URLClassLoader {
        OwnFirst(URL jar) {
            super(new URL[] {jar}, PluginJar.class.getClassLoader());
        }

        /** Only the jar's own index, as Micro-Manager looks jar by jar. */
        @Override
        public URL getResource(String name) {
            return findResource(name);
        }

        @Override
        public Enumeration<URL> getResources(String name) throws IOException {
            return findResources(name);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            boolean own = name.startsWith("blinkd.stream.") || name.startsWith("blinkd.micromanager.");
            if (!own) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> known = findLoadedClass(name);
                return known == null ? findClass(name) : known;
            }
        }
    }
}
