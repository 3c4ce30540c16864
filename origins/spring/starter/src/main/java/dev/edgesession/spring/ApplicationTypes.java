package dev.edgesession.spring;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.DeserializationConfig;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.MapperConfig;
import com.fasterxml.jackson.databind.deser.ValueInstantiator;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.AnnotatedMember;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.module.SimpleValueInstantiators;

import org.springframework.objenesis.SpringObjenesis;

/**
 * The application's own classes are kept as Java serialization did it: all their fields,
 * those of what they extend too, and no constructor is run where there is none without
 * arguments. What their annotations say is meant for other JSON, unless the application
 * made a mixin for here.
 */
final class ApplicationTypes {

	private final AllowedTypes types;

	private final ObjectMapper mapper;

	private final SpringObjenesis objenesis = new SpringObjenesis();

	private ApplicationTypes(AllowedTypes types, ObjectMapper mapper) {
		this.types = types;
		this.mapper = mapper;
	}

	static void prepare(ObjectMapper mapper, AllowedTypes types) {
		ApplicationTypes ours = new ApplicationTypes(types, mapper);
		SimpleModule module = new SimpleModule("edge-session-fields");
		module.setValueInstantiators(ours.new Instantiators());
		mapper.registerModule(module);
		mapper.setAnnotationIntrospector(ours.new Annotations());
	}

	private boolean byFields(Class<?> type) {
		return this.types.isApplications(type) && this.mapper.findMixInClassFor(type) == null;
	}

	private final class Instantiators extends SimpleValueInstantiators {

		@Override
		public ValueInstantiator findValueInstantiator(DeserializationConfig config, BeanDescription bean, ValueInstantiator usual) {
			Class<?> type = bean.getBeanClass();
			boolean other = usual.canCreateUsingDefault() || usual.canCreateFromObjectWith() || type.isInterface() || type.isEnum();
			return (other || !byFields(type)) ? usual : new WithoutConstructor(type);
		}

	}

	private final class WithoutConstructor extends ValueInstantiator.Base {

		WithoutConstructor(Class<?> type) {
			super(type);
		}

		@Override
		public boolean canCreateUsingDefault() {
			return true;
		}

		@Override
		public Object createUsingDefault(DeserializationContext context) {
			return ApplicationTypes.this.objenesis.newInstance(getValueClass());
		}

	}

	private final class Annotations extends JacksonAnnotationIntrospector {

		/** Spring Security's for its User would make a plain User of one that extends it. */
		@Override
		public Object findDeserializer(Annotated annotated) {
			return (annotated instanceof AnnotatedMember || !byFields(annotated.getRawType())) ? super.findDeserializer(annotated) : null;
		}

		@Override
		public boolean hasIgnoreMarker(AnnotatedMember member) {
			return !byFields(member.getDeclaringClass()) && super.hasIgnoreMarker(member);
		}

		@Override
		public JsonIgnoreProperties.Value findPropertyIgnoralByName(MapperConfig<?> config, Annotated annotated) {
			return byFields(annotated.getRawType()) ? JsonIgnoreProperties.Value.empty() : super.findPropertyIgnoralByName(config, annotated);
		}

	}

}
