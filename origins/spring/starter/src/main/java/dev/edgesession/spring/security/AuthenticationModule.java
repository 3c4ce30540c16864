package dev.edgesession.spring.security;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonIncludeProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.DeserializationProblemHandler;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.jsontype.TypeIdResolver;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.module.SimpleDeserializers;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;

import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.ott.OneTimeTokenAuthenticationToken;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.web.savedrequest.SimpleSavedRequest;
import org.springframework.util.ClassUtils;

/**
 * What Spring Security puts into a session and has no JSON for: why a login failed (the
 * login page tells it), where to go after one, and a login by a one-time token. What
 * Spring Security 7 wrote is read by 6.5 as the nearest that it knows.
 */
class AuthenticationModule extends SimpleModule {

	private static final String SPRING = "org.springframework.security.";

	/** Of a login by a one-time token in Spring Security 7; 6.5 has another, which 7 still knows. */
	private static final String ONE_TIME_TOKEN = SPRING + "authentication.ott.OneTimeTokenAuthentication";

	private static final Map<String, Class<?>> NEAREST = Map.of(ONE_TIME_TOKEN, OneTimeTokenAuthenticationToken.class,
			ProvedFactor.NAME, ProvedFactor.class);

	AuthenticationModule() {
		super("edge-session-authentication");
		addSerializer(AuthenticationException.class, new Serializer());
		addSerializer(ProvedFactor.class, new ProvedFactor.Serializer());
		setDeserializers(new Deserializers());
		setMixInAnnotation(SimpleSavedRequest.class, OnlyTheUrl.class);
		setMixInAnnotation(OneTimeTokenAuthenticationToken.class, WithoutTheToken.class);
		ClassLoader loader = getClass().getClassLoader();
		if (ClassUtils.isPresent(ONE_TIME_TOKEN, loader)) {
			setMixInAnnotation(ClassUtils.resolveClassName(ONE_TIME_TOKEN, loader), WithoutTheToken.class);
		}
	}

	@Override
	public void setupModule(SetupContext context) {
		super.setupModule(context);
		context.addDeserializationProblemHandler(new Successors());
	}

	/** Only names of classes that are not there come here. */
	private static final class Successors extends DeserializationProblemHandler {

		@Override
		public JavaType handleUnknownTypeId(DeserializationContext context, JavaType base, String name, TypeIdResolver resolver, String failure) {
			Class<?> nearest = NEAREST.get(name);
			return (nearest != null) ? context.constructType(nearest) : null;
		}

	}

	@JsonIncludeProperties("redirectUrl")
	private abstract static class OnlyTheUrl {

	}

	/** Whoever signed in by a token that was sent to them; it is used up. */
	@JsonIgnoreProperties("tokenValue")
	private abstract static class WithoutTheToken {

		@JsonCreator
		WithoutTheToken(@JsonProperty("principal") Object principal, @JsonProperty("authorities") Collection<? extends GrantedAuthority> authorities) {
		}

	}

	/** Class and message. An exception that has no constructor for the message, and an application's own, is written as Spring's that it extends. */
	private static final class Serializer extends StdSerializer<AuthenticationException> {

		Serializer() {
			super(AuthenticationException.class);
		}

		@Override
		public void serialize(AuthenticationException failure, JsonGenerator generator, SerializerProvider provider) throws IOException {
			generator.writeStartObject();
			generator.writeStringField("message", failure.getMessage());
			generator.writeEndObject();
		}

		@Override
		public void serializeWithType(AuthenticationException failure, JsonGenerator generator, SerializerProvider provider,
				TypeSerializer types) throws IOException {
			var type = types.writeTypePrefix(generator, types.typeId(failure, known(failure), JsonToken.START_OBJECT));
			generator.writeStringField("message", failure.getMessage());
			types.writeTypeSuffix(generator, type);
		}

		private static Class<?> known(AuthenticationException failure) {
			for (Class<?> one = failure.getClass(); one != AuthenticationException.class; one = one.getSuperclass()) {
				if (one.getName().startsWith(SPRING) && keepsTheMessage(one, failure.getMessage())) {
					return one;
				}
			}
			return AuthenticationServiceException.class;
		}

		/** The text that OAuth2AuthenticationException takes is an error's code, and not its message. */
		private static boolean keepsTheMessage(Class<?> type, String message) {
			try {
				Throwable same = (Throwable) type.getConstructor(String.class).newInstance(message);
				return Objects.equals(same.getMessage(), message);
			}
			catch (ReflectiveOperationException ex) {
				return false;
			}
		}

	}

	private static final class Deserializers extends SimpleDeserializers {

		@Override
		public JsonDeserializer<?> findBeanDeserializer(JavaType type, DeserializationConfig config, BeanDescription description) {
			boolean ours = AuthenticationException.class.isAssignableFrom(type.getRawClass());
			return ours ? new Deserializer(type.getRawClass().asSubclass(AuthenticationException.class)) : null;
		}

	}

	private static final class Deserializer extends StdDeserializer<AuthenticationException> {

		private final Class<? extends AuthenticationException> type;

		Deserializer(Class<? extends AuthenticationException> type) {
			super(type);
			this.type = type;
		}

		@Override
		public AuthenticationException deserialize(JsonParser parser, DeserializationContext context) throws IOException {
			JsonNode json = parser.getCodec().readTree(parser);
			try {
				Constructor<? extends AuthenticationException> constructor = this.type.getConstructor(String.class);
				return constructor.newInstance(json.path("message").textValue());
			}
			catch (ReflectiveOperationException ex) {
				return context.reportBadDefinition(this.type, "it has no constructor that takes a message");
			}
		}

	}

}
