package dev.edgesession.spring;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.util.ClassUtils;

/** What Boot 3.5 and Boot 4 have under different names: the same tests run on both. */
final class Boot {

	private static final String BOOT = "org.springframework.boot.";

	static final Class<?> WEB_CONTEXT = either("web.servlet.context.AnnotationConfigServletWebServerApplicationContext",
			"web.server.servlet.context.AnnotationConfigServletWebServerApplicationContext");

	static final Class<?> WEB_SERVER = either("autoconfigure.web.servlet.ServletWebServerFactoryAutoConfiguration",
			"tomcat.autoconfigure.servlet.TomcatServletWebServerAutoConfiguration");

	static final List<Class<?>> MVC = List.of(
			either("autoconfigure.web.servlet.WebMvcAutoConfiguration", "webmvc.autoconfigure.WebMvcAutoConfiguration"),
			either("autoconfigure.web.servlet.DispatcherServletAutoConfiguration", "webmvc.autoconfigure.DispatcherServletAutoConfiguration"),
			either("autoconfigure.http.HttpMessageConvertersAutoConfiguration", "http.converter.autoconfigure.HttpMessageConvertersAutoConfiguration"));

	/** In each application on Boot 3.5, and on Boot 4 only in those that asked for it. */
	static final Class<?> SESSION = either("autoconfigure.session.SessionAutoConfiguration", "session.autoconfigure.SessionAutoConfiguration");

	static final boolean IS_4 = SESSION.getName().startsWith(BOOT + "session.");

	private Boot() {
	}

	/** The starter's, some more, and what Boot has for sessions in an application that names no module of its own. */
	static AutoConfigurations starterWith(Class<?>... more) {
		Stream<Class<?>> usual = Stream.of(EdgeSessionAutoConfiguration.class, SessionFilterAutoConfiguration.class);
		Stream<Class<?>> boots = IS_4 ? Stream.empty() : Stream.of(SESSION);
		return AutoConfigurations.of(Stream.of(usual, boots, Arrays.stream(more)).flatMap((one) -> one).toArray(Class<?>[]::new));
	}

	private static Class<?> either(String in3, String in4) {
		String name = ClassUtils.isPresent(BOOT + in3, null) ? in3 : in4;
		return ClassUtils.resolveClassName(BOOT + name, null);
	}

}
