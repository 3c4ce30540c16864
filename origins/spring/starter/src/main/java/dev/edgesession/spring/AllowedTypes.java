package dev.edgesession.spring;

import java.util.Collection;
import java.util.Set;

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
			"java.lang.Float", "java.lang.Character", "java.math.BigInteger", "java.math.BigDecimal", "java.util.UUID",
			"java.util.Date", "java.util.Locale", "java.util.Currency", "java.net.URI", "java.util.ArrayList",
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

	private final Collection<String> more;

	/** Class names and packages beside the usual ones. */
	AllowedTypes(Collection<String> more) {
		this.more = more;
	}

	@Override
	public Validity validateSubClassName(MapperConfig<?> config, JavaType baseType, String name) {
		String element = element(name);
		int generic = element.indexOf('<');
		String raw = (generic < 0) ? element : element.substring(0, generic);
		if (NAMES.contains(raw) || BEGINNINGS.stream().anyMatch(raw::startsWith) || raw.length() == 1
				|| this.more.stream().anyMatch((one) -> raw.equals(one) || raw.startsWith(one + ".") || raw.startsWith(one + "$"))) {
			return Validity.ALLOWED;
		}
		return raw.startsWith(SECURITY) ? Validity.INDETERMINATE : Validity.DENIED;
	}

	@Override
	public Validity validateSubType(MapperConfig<?> config, JavaType baseType, JavaType subType) {
		Class<?> type = subType.getRawClass();
		boolean prepared = config.findMixInClassFor(type) != null
				|| AnnotationUtils.findAnnotation(type, JacksonAnnotation.class) != null
				|| Throwable.class.isAssignableFrom(type) && type.getName().endsWith("Exception");
		return prepared ? Validity.ALLOWED : Validity.DENIED;
	}

	/** Of an array what it is an array of: "[Ljava.lang.String;" and "[B". */
	private static String element(String name) {
		String rest = name.replaceFirst("^\\[+", "");
		if (rest.length() == name.length()) {
			return name;
		}
		return rest.startsWith("L") ? rest.substring(1, rest.length() - 1).replace("java.lang.String", "java.lang.Long") : rest;
	}

}
