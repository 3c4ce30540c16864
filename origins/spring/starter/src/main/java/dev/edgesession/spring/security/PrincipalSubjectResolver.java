package dev.edgesession.spring.security;

import java.util.function.Function;

import dev.edgesession.spring.SubjectResolver;

import org.springframework.security.authentication.AuthenticationTrustResolver;
import org.springframework.security.authentication.AuthenticationTrustResolverImpl;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.web.context.HttpSessionSecurityContextRepository;

/** The name of the authenticated principal in the session's SecurityContext. */
public class PrincipalSubjectResolver implements SubjectResolver {

	private final AuthenticationTrustResolver trust = new AuthenticationTrustResolverImpl();

	@Override
	public String resolve(Function<String, Object> attributes) {
		Object context = attributes.apply(HttpSessionSecurityContextRepository.SPRING_SECURITY_CONTEXT_KEY);
		Authentication authentication = (context instanceof SecurityContext one) ? one.getAuthentication() : null;
		return this.trust.isAuthenticated(authentication) ? authentication.getName() : null;
	}

}
