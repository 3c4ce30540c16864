package dev.edgesession.spring;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.ObjectCodec;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;

import org.springframework.web.servlet.FlashMap;

/** Flash attributes: Jackson sees a map, and would lose for which page they are. */
class FlashMapModule extends SimpleModule {

	FlashMapModule() {
		super("edge-session-flash");
		addSerializer(FlashMap.class, new Serializer());
		addDeserializer(FlashMap.class, new Deserializer());
	}

	private static final class Serializer extends StdSerializer<FlashMap> {

		Serializer() {
			super(FlashMap.class);
		}

		@Override
		public void serialize(FlashMap flash, JsonGenerator generator, SerializerProvider provider) {
			throw new SessionDataException("flash attributes belong into a list of Object");
		}

		@Override
		public void serializeWithType(FlashMap flash, JsonGenerator generator, SerializerProvider provider, TypeSerializer types)
				throws IOException {
			var type = types.writeTypePrefix(generator, types.typeId(flash, JsonToken.START_OBJECT));
			write("attributes", new LinkedHashMap<>(flash), generator, provider);
			if (flash.getTargetRequestPath() != null) {
				generator.writeStringField("path", flash.getTargetRequestPath());
			}
			if (!flash.getTargetRequestParams().isEmpty()) {
				write("params", new LinkedHashMap<>(flash.getTargetRequestParams().toSingleValueMap()), generator, provider);
			}
			generator.writeNumberField("expires", flash.getExpirationTime());
			types.writeTypeSuffix(generator, type);
		}

		private static void write(String name, Map<String, ?> map, JsonGenerator generator, SerializerProvider provider) throws IOException {
			generator.writeFieldName(name);
			provider.findTypedValueSerializer(map.getClass(), true, null).serialize(map, generator, provider);
		}

	}

	private static final class Deserializer extends StdDeserializer<FlashMap> {

		Deserializer() {
			super(FlashMap.class);
		}

		@Override
		public FlashMap deserialize(JsonParser parser, DeserializationContext context) throws IOException {
			ObjectCodec codec = parser.getCodec();
			JsonNode json = codec.readTree(parser);
			FlashMap flash = new FlashMap();
			read(json.get("attributes"), codec).forEach((name, value) -> flash.put((String) name, value));
			flash.setTargetRequestPath(json.path("path").textValue());
			read(json.get("params"), codec).forEach((name, value) -> flash.addTargetRequestParam((String) name, (String) value));
			flash.setExpirationTime(json.path("expires").asLong());
			return flash;
		}

		private static Map<?, ?> read(JsonNode map, ObjectCodec codec) throws IOException {
			return (map == null) ? Map.of() : (Map<?, ?>) codec.readValue(codec.treeAsTokens(map), Object.class);
		}

	}

}
