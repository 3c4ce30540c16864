package dev.edgesession.spring.security;

import java.io.IOException;
import java.time.Instant;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.type.WritableTypeId;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;

import org.springframework.security.core.GrantedAuthority;

/**
 * How a user proved who they are, as Spring Security 7 keeps it, where only 6.5 is there:
 * an authority like any other, which is written back as what it was, with its time.
 */
record ProvedFactor(String authority, Instant issuedAt) implements GrantedAuthority {

	static final String NAME = "org.springframework.security.core.authority.FactorGrantedAuthority";

	@JsonCreator
	ProvedFactor(@JsonProperty("authority") String authority, @JsonProperty("issuedAt") Instant issuedAt) {
		this.authority = authority;
		this.issuedAt = issuedAt;
	}

	@Override
	public String getAuthority() {
		return this.authority;
	}

	static final class Serializer extends StdSerializer<ProvedFactor> {

		Serializer() {
			super(ProvedFactor.class);
		}

		@Override
		public void serialize(ProvedFactor factor, JsonGenerator generator, SerializerProvider provider) throws IOException {
			generator.writeStartObject();
			members(factor, generator, provider);
			generator.writeEndObject();
		}

		@Override
		public void serializeWithType(ProvedFactor factor, JsonGenerator generator, SerializerProvider provider, TypeSerializer types)
				throws IOException {
			WritableTypeId type = types.typeId(factor, JsonToken.START_OBJECT);
			type.id = NAME;
			types.writeTypePrefix(generator, type);
			members(factor, generator, provider);
			types.writeTypeSuffix(generator, type);
		}

		private static void members(ProvedFactor factor, JsonGenerator generator, SerializerProvider provider) throws IOException {
			generator.writeStringField("authority", factor.authority);
			provider.defaultSerializeField("issuedAt", factor.issuedAt, generator);
		}

	}

}
