package dev.edgesession.spring;

import dev.edgesession.spring.security.PrincipalSubjectResolver;
import dev.edgesession.spring.security.RememberMeContext;
import dev.edgesession.spring.security.SecurityAttributeModules;
import dev.edgesession.spring.security.UrlRequestCache;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.core.session.SessionRegistry;
import org.springframework.security.web.context.SecurityContextRepository;
import org.springframework.security.web.savedrequest.RequestCache;
import org.springframework.session.FindByIndexNameSessionRepository;
import org.springframework.session.Session;

/** What an application with Spring Security needs besides. */
@AutoConfiguration(beforeName = { "org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration",
		"org.springframework.boot.security.autoconfigure.SecurityAutoConfiguration" })
@ConditionalOnClass({ SecurityContextRepository.class, SessionRegistry.class })
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
public class EdgeSessionSecurityAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean(SubjectResolver.class)
	PrincipalSubjectResolver edgeSessionSubjectResolver() {
		return new PrincipalSubjectResolver();
	}

	@Bean
	SecurityAttributeModules edgeSessionSecurityModules() {
		return new SecurityAttributeModules();
	}

	@Bean
	@ConditionalOnMissingBean(RequestCache.class)
	UrlRequestCache edgeSessionRequestCache() {
		return new UrlRequestCache();
	}

	@Bean
	@ConditionalOnMissingBean(RememberedUsers.class)
	RememberMeContext edgeSessionRememberedUsers() {
		return new RememberMeContext();
	}

	@Bean
	@ConditionalOnMissingBean(SessionRegistry.class)
	@ConditionalOnBean(PrincipalSubjectResolver.class)
	@ConditionalOnProperty(name = "edge-session.standalone", havingValue = "false", matchIfMissing = true)
	EdgeSessionRegistry edgeSessionRegistry(FindByIndexNameSessionRepository<Session> sessions) {
		return new EdgeSessionRegistry(sessions);
	}

}
