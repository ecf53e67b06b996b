package blinkd.studio;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.micromanager.data.ProcessorPlugin;

/**
 * The jar as Micro-Manager meets it: the class that SciJava's index names, loaded from the jar alone.
 *
 * <p>In: a path. Out: the plugin. Never: a class of the plugin from anywhere else than the jar.
 */
public final class PluginJar implements Closeable {
    private static final Pattern ENTRY = Pattern.compile("\"class\":\"([\\w.$]+)\"");
    private static final String INDEX = "META-INF/json/org.scijava.plugin.Plugin";

    private final URLClassLoader loader;

    public PluginJar(Path jar) throws IOException {
        loader = new OwnFirst(jar.toUri().toURL());
    }

    public ProcessorPlugin plugin() throws IOException, ReflectiveOperationException {
        URL index = loader.findResource(INDEX);
        if (index == null) {
            throw new IOException(INDEX + " is not in the jar: Micro-Manager would not find the plugin");
        }
        try (InputStream in = index.openStream();
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            Matcher entry = ENTRY.matcher(reader.readLine());
            if (!entry.find()) {
                throw new IOException(INDEX + " names no class");
            }
            return (ProcessorPlugin)
                    loader.loadClass(entry.group(1)).getDeclaredConstructor().newInstance();
        }
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
