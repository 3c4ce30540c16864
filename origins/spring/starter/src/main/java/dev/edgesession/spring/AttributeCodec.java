package dev.edgesession.spring;

import java.math.BigDecimal;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.Module;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * Session attributes as JSON and back. An attribute that would not come back as it was is
 * refused when it is written, inside the application.
 */
class AttributeCodec {

	private static final ObjectMapper PLAIN = new ObjectMapper();

	private static final Pattern COLLECTION = Pattern.compile("\"java\\.util\\.[\\w.$]*(List|Set|Map|Collection|Deque)[\\w.$]*\"");

	private final ObjectMapper mapper;

	/**
	 * @param types class names and packages beside the usual ones
	 * @param modules for classes that Jackson alone does not know
	 */
	AttributeCodec(Collection<String> types, List<Module> modules) {
		AllowedTypes allowed = new AllowedTypes(types);
		this.mapper = JsonMapper.builder()
			.polymorphicTypeValidator(allowed)
			.activateDefaultTyping(allowed, ObjectMapper.DefaultTyping.NON_FINAL, JsonTypeInfo.As.PROPERTY)
			// As Java serialization did: the fields, whatever they are called.
			.visibility(PropertyAccessor.ALL, Visibility.NONE)
			.visibility(PropertyAccessor.FIELD, Visibility.ANY)
			.visibility(PropertyAccessor.CREATOR, Visibility.ANY)
			.disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, DeserializationFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
			.enable(SerializationFeature.WRITE_DATES_WITH_ZONE_ID)
			.disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS, SerializationFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
			.disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
			// As text: the gate holds numbers with a fraction as doubles.
			.withConfigOverride(BigDecimal.class, (config) -> config.setFormat(JsonFormat.Value.forShape(JsonFormat.Shape.STRING)))
			.build();
		modules.forEach(this.mapper::registerModule);
		ApplicationTypes.prepare(this.mapper, allowed);
	}

	/** Throws where the attribute can't be kept. */
	JsonNode encode(String name, Object value) {
		try {
			JsonNode written = write(value);
			Object back = this.mapper.readerFor(Object.class).readValue(Json.text(written));
			if (!shape(write(back)).equals(shape(written)) || !sameKeys(value, back)) {
				throw new SessionDataException("session attribute " + name + " (" + value.getClass().getName()
						+ ") would not come back as it was: part of it is not in its fields, or has no constructor that takes it");
			}
			return ShortNames.shorten(written);
		}
		catch (JsonProcessingException | RuntimeException ex) {
			if (ex instanceof SessionDataException) {
				throw (SessionDataException) ex;
			}
			throw new SessionDataException("session attribute " + name + " (" + value.getClass().getName()
					+ ") can't be kept as JSON. Keep small values there, or name the type in edge-session.allowed-types: "
					+ ex.getMessage().lines().findFirst().orElse(""), ex);
		}
	}

	/** Which of Java's collections it is does not count: Jackson has one read-only list for all of them. */
	private static String shape(JsonNode written) {
		return COLLECTION.matcher(Json.unordered(written)).replaceAll("\"\"");
	}

	/** The names in JSON are texts: a map by numbers would come back as one by texts. In a field of a class its type says what they are. */
	private static boolean sameKeys(Object value, Object back) {
		if (value instanceof Map<?, ?> map) {
			return back instanceof Map<?, ?> other && map.keySet().equals(other.keySet())
					&& map.keySet().stream().allMatch((key) -> sameKeys(map.get(key), other.get(key)));
		}
		if (value instanceof List<?> list && back instanceof List<?> other) {
			return IntStream.range(0, list.size()).allMatch((i) -> sameKeys(list.get(i), other.get(i)));
		}
		return true;
	}

	/** The same, without proof that it comes back. */
	JsonNode encodeAgain(String name, Object value) {
		try {
			return ShortNames.shorten(write(value));
		}
		catch (JsonProcessingException | RuntimeException ex) {
			throw new SessionDataException("session attribute " + name + " can't be kept as JSON", ex);
		}
	}

	private JsonNode write(Object value) throws JsonProcessingException {
		return Json.read(this.mapper.writerFor(Object.class).writeValueAsString(value));
	}

	Object decode(String name, JsonNode value) {
		JsonNode full = ShortNames.lengthen(value);
		try {
			// What another application of the site wrote has no types.
			boolean plain = full.isObject() && !full.has("@class") || full.isArray() && !(full.size() == 2 && full.get(0).isTextual());
			return plain ? PLAIN.treeToValue(full, Object.class) : this.mapper.readerFor(Object.class).readValue(Json.text(full));
		}
		catch (JsonProcessingException ex) {
			throw new SessionDataException("session attribute " + name + " can't be read: "
					+ ex.getMessage().lines().findFirst().orElse(""), ex);
		}
	}

}
