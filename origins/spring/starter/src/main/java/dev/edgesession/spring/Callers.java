package dev.edgesession.spring;

import java.lang.StackWalker.StackFrame;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who asks for the session, or writes it. Spring looks at it in every request, for flash attributes and
 * for its events, and most answers do not depend on that.
 */
final class Callers {

	private static final int NEAR = 12;

	private static final String SPRING_SESSION = "org.springframework.session.";

	/** Who looks without making the answer depend on it: what they find changes the session, and then no cache keeps the answer. */
	private static final Set<String> PROBES = Set.of("org.springframework.web.servlet.support.SessionFlashMapManager",
			"org.springframework.security.web.session.ConcurrentSessionFilter");

	private static final String LOGIN = "org.springframework.security.web.authentication.session.";

	private static final String MIGRATION = LOGIN + "SessionFixationProtectionStrategy";

	private static final String CONCURRENCY = LOGIN + "ConcurrentSessionControlAuthenticationStrategy";

	private Callers() {
	}

	/** From within a request's getSession: whether the answer may be another one for another user. */
	static boolean readTheSession() {
		List<StackFrame> frames = near((frame) -> true);
		boolean commit = frames.stream().anyMatch((frame) -> frame.getClassName().startsWith(SPRING_SESSION) && frame.getMethodName().equals("commitSession"));
		return !commit && frames.stream()
			.filter((frame) -> !isPassedThrough(frame.getClassName()))
			.findFirst()
			.map((frame) -> !PROBES.contains(frame.getClassName()) && !frame.getMethodName().equals("getSessionId"))
			.orElse(true);
	}

	/** From within a session's setMaxInactiveInterval: whether a login only gives the new session what was left to the one before. */
	static boolean isMigration() {
		return near((frame) -> true).stream().anyMatch((frame) -> frame.getClassName().equals(MIGRATION));
	}

	/** From within the registry's getAllSessions: whether a login asks which sessions are too many. */
	static boolean isConcurrencyControl() {
		return near((frame) -> true).stream().anyMatch((frame) -> frame.getClassName().equals(CONCURRENCY));
	}

	/** From within a session's getId: whether the application asks, and not Spring. */
	static boolean isApplication() {
		List<StackFrame> frames = near((frame) -> !frame.getClassName().startsWith("dev.edgesession.spring."));
		return frames.get(0).getClassName().startsWith(SPRING_SESSION + "web.http.HttpSessionAdapter")
				&& !frames.get(1).getClassName().startsWith("org.springframework.");
	}

	private static boolean isPassedThrough(String name) {
		return name.startsWith(SPRING_SESSION) || name.startsWith("dev.edgesession.spring.") || name.startsWith("jakarta.servlet.");
	}

	private static List<StackFrame> near(Predicate<StackFrame> wanted) {
		return StackWalker.getInstance().walk((frames) -> frames.filter(wanted).limit(NEAR).toList());
	}

}
