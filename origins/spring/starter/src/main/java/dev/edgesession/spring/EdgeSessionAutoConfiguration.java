package dev.edgesession.spring;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

import com.fasterxml.jackson.databind.Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;

import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurationPackages;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Profiles;
import org.springframework.session.config.annotation.web.http.EnableSpringHttpSession;
import org.springframework.session.web.http.SessionRepositoryFilter;
import org.springframework.util.ClassUtils;

/** Spring Session on the gate's sessions, or the container's own in standalone mode. */
@AutoConfiguration(after = EdgeSessionSecurityAutoConfiguration.class,
		beforeName = { "org.springframework.boot.autoconfigure.session.SessionAutoConfiguration",
				"org.springframework.boot.session.autoconfigure.SessionAutoConfiguration" })
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@EnableConfigurationProperties(EdgeSessionProperties.class)
public class EdgeSessionAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean
	SubjectResolver edgeSessionSubjectResolver() {
		return (attributes) -> null;
	}

	@Bean
	AttributeCodec edgeSessionAttributeCodec(EdgeSessionProperties properties, BeanFactory beans, ObjectProvider<AttributeModules> modules) {
		List<String> types = new ArrayList<>(properties.getAllowedTypes());
		if (AutoConfigurationPackages.has(beans)) {
			types.addAll(AutoConfigurationPackages.get(beans));
		}
		List<Module> all = new ArrayList<>(List.of(new JavaTimeModule(), new FlashMapModule()));
		modules.orderedStream().forEach((one) -> all.addAll(one.get()));
		return new AttributeCodec(types, all);
	}

	@Configuration(proxyBeanMethods = false)
	@EnableSpringHttpSession
	@ConditionalOnProperty(name = "edge-session.standalone", havingValue = "false", matchIfMissing = true)
	static class WithGate {

		@Bean
		SessionKit edgeSessionKit(EdgeSessionProperties properties, AttributeCodec codec, SubjectResolver subjects,
				ObjectProvider<RememberedUsers> remembered) {
			Settings settings = Settings.of(properties);
			MessageSigner signer = new MessageSigner(settings.issuer(), settings.audience(), settings.keys());
			AssertionVerifier verifier = new AssertionVerifier(settings.issuer(), settings.audience(), settings.keys(), Clock.systemUTC());
			return new SessionKit(settings, verifier, signer, codec, subjects, remembered.getIfAvailable(() -> (context) -> context),
					new ControlClient(settings, signer, Instant::now));
		}

		@Bean
		EdgeSessionRepository sessionRepository(SessionKit kit, ApplicationEventPublisher events) {
			return new EdgeSessionRepository(kit, events);
		}

		@Bean
		EdgeSessionIdResolver httpSessionIdResolver() {
			return new EdgeSessionIdResolver();
		}

		@Bean
		EdgeSessions edgeSessions(SessionKit kit) {
			return new EdgeSessions(kit.outOfBand(), new RequestSessions.Gate());
		}

		@Bean
		FilterRegistrationBean<Filter> edgeSessionFilter(SessionKit kit) {
			return registration(new EdgeSessionFilter(kit), EdgeSessionFilter.ORDER);
		}

		@Bean
		FilterRegistrationBean<Filter> edgeSessionFailureFilter() {
			return registration(new FailureFilter(), FailureFilter.ORDER);
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnProperty(name = "edge-session.standalone", havingValue = "true")
	static class Standalone {

		/** Neither is in an application that Boot has packaged. */
		private static final String[] DEVELOPMENT = { "org.springframework.boot.devtools.RemoteUrlPropertyExtractor",
				"org.springframework.boot.test.context.SpringBootTest" };

		@Bean
		StandaloneSessions edgeSessionStandalone(EdgeSessionProperties properties, AttributeCodec codec, SubjectResolver subjects,
				ApplicationContext context) {
			boolean development = false;
			for (String name : DEVELOPMENT) {
				development |= ClassUtils.isPresent(name, context.getClassLoader());
			}
			if (!development || context.getEnvironment().acceptsProfiles(Profiles.of("prod", "production"))) {
				throw new IllegalStateException("edge-session.standalone is for development and tests: "
						+ "neither Boot's devtools nor its tests are there, or a production profile is active");
			}
			return new StandaloneSessions(codec, subjects, (int) properties.getDataLimit().toBytes());
		}

		@Bean
		EdgeSessions edgeSessions(StandaloneSessions sessions) {
			return new EdgeSessions(sessions, sessions);
		}

		@Bean
		FilterRegistrationBean<Filter> edgeSessionStandaloneFilter(StandaloneSessions sessions) {
			return registration(sessions, SessionRepositoryFilter.DEFAULT_ORDER);
		}

	}

	private static FilterRegistrationBean<Filter> registration(Filter filter, int order) {
		FilterRegistrationBean<Filter> registration = new FilterRegistrationBean<>(filter);
		registration.setOrder(order);
		registration.setDispatcherTypes(EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC, DispatcherType.ERROR));
		registration.setAsyncSupported(true);
		return registration;
	}

}
