package dev.edgesession.spring;

import java.util.Collection;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.annotation.JacksonAnnotation;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.jsontype.PolymorphicTypeValidator;

import org.springframework.core.annotation.AnnotationUtils;

/**
 * Which classes an attribute may be read into. Of Spring Security those that it prepared
 * for JSON itself; of Java values and collections; the application's own packages, and
 * what it names in edge-session.allowed-types.
 */
class AllowedTypes extends PolymorphicTypeValidator.Base {

	private static final String SECURITY = "org.springframework.security.";

	private static final Set<String> NAMES = Set.of("java.lang.Long", "java.lang.Short", "java.lang.Byte",
			"java.lang.Float", "java.lang.Character", "java.lang.String", "java.math.BigInteger", "java.math.BigDecimal", "java.util.UUID",
			"java.util.Date", "java.util.Locale", "java.util.Currency", "java.util.TimeZone", "java.net.URI", "java.util.ArrayList",
			"java.util.LinkedList", "java.util.ArrayDeque", "java.util.HashMap", "java.util.LinkedHashMap",
			"java.util.TreeMap", "java.util.EnumMap", "java.util.HashSet", "java.util.LinkedHashSet", "java.util.TreeSet",
			"java.util.RegularEnumSet", "java.util.EnumSet", "java.util.Arrays$ArrayList",
			"java.util.concurrent.CopyOnWriteArrayList", "java.util.concurrent.CopyOnWriteArraySet",
			"java.util.concurrent.ConcurrentHashMap", "java.util.concurrent.atomic.AtomicInteger",
			"java.util.concurrent.atomic.AtomicLong", "java.util.concurrent.atomic.AtomicBoolean",
			"org.springframework.util.LinkedMultiValueMap", "org.springframework.web.servlet.FlashMap",
			SECURITY + "core.context.SecurityContextImpl", SECURITY + "web.savedrequest.SimpleSavedRequest");

	private static final Set<String> BEGINNINGS = Set.of("java.time.", "java.util.Collections$",
			"java.util.ImmutableCollections$");

	/** "[Ljava.lang.String;" and "[[B". */
	private static final Pattern ARRAY = Pattern.compile("\\[+(?:[ZBCSIJFD]|L(.+);)");

	private final Collection<String> more;

	/** Class names and packages beside the usual ones. */
	AllowedTypes(Collection<String> more) {
		this.more = more;
	}

	/** Whether it is one of the application's own, so that its fields say all about it. */
	boolean isApplications(Class<?> type) {
		return isApplications(type.getName());
	}

	private boolean isApplications(String name) {
		return this.more.stream().anyMatch((one) -> name.equals(one) || name.startsWith(one + ".") || name.startsWith(one + "$"));
	}

	@Override
	public Validity validateSubClassName(MapperConfig<?> config, JavaType baseType, String name) {
		int generic = name.indexOf('<');
		Matcher array = ARRAY.matcher(name);
		if (array.matches() && array.group(1) == null) {
			return Validity.ALLOWED; // of numbers
		}
		String raw = array.matches() ? array.group(1) : (generic < 0) ? name : name.substring(0, generic);
		if (NAMES.contains(raw) || BEGINNINGS.stream().anyMatch(raw::startsWith) || isApplications(raw)) {
			return Validity.ALLOWED;
		}
		return raw.startsWith(SECURITY) ? Validity.INDETERMINATE : Validity.DENIED;
	}

	@Override
	public Validity validateSubType(MapperConfig<?> config, JavaType baseType, JavaType subType) {
		Class<?> type = subType.getRawClass();
		boolean prepared = config.findMixInClassFor(type) != null || AnnotationUtils.findAnnotation(type, JacksonAnnotation.class) != null
				|| isLoginFailure(type);
		return prepared ? Validity.ALLOWED : Validity.DENIED;
	}

	private static boolean isLoginFailure(Class<?> type) {
		for (Class<?> one = type; one != null; one = one.getSuperclass()) {
			if (one.getName().equals(SECURITY + "core.AuthenticationException")) {
				return true;
			}
		}
		return false;
	}

}
