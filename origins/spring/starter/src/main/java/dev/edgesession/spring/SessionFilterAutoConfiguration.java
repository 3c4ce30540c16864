package dev.edgesession.spring;

import java.util.EnumSet;

import jakarta.servlet.DispatcherType;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.web.servlet.DelegatingFilterProxyRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.session.web.http.SessionRepositoryFilter;

/**
 * Spring Session's filter runs for errors and asynchronous requests, too. Boot 3.5 sees to that
 * by itself; Boot 4 only where spring-boot-session is on the class path, and without it would
 * run the filter for first requests alone.
 */
@AutoConfiguration(after = EdgeSessionAutoConfiguration.class,
		afterName = { "org.springframework.boot.autoconfigure.session.SessionAutoConfiguration",
				"org.springframework.boot.session.autoconfigure.SessionAutoConfiguration" })
@ConditionalOnBean(EdgeSessionRepository.class)
public class SessionFilterAutoConfiguration {

	/** Under the name that Boot's own has. */
	@Bean
	@ConditionalOnMissingBean(name = "sessionRepositoryFilterRegistration")
	DelegatingFilterProxyRegistrationBean sessionRepositoryFilterRegistration() {
		DelegatingFilterProxyRegistrationBean registration = new DelegatingFilterProxyRegistrationBean("springSessionRepositoryFilter");
		registration.setDispatcherTypes(EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC, DispatcherType.ERROR));
		registration.setOrder(SessionRepositoryFilter.DEFAULT_ORDER);
		return registration;
	}

}
