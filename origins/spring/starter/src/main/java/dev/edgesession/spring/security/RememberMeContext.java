package dev.edgesession.spring.security;

import dev.edgesession.spring.RememberedUsers;

import org.springframework.security.authentication.AuthenticationTrustResolver;
import org.springframework.security.authentication.AuthenticationTrustResolverImpl;
import org.springframework.security.authentication.RememberMeAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;

/** As from a remember-me cookie of Spring Security: signed in, but not fully authenticated. */
public class RememberMeContext implements RememberedUsers {

	private final AuthenticationTrustResolver trust = new AuthenticationTrustResolverImpl();

	@Override
	public Object seen(Object context) {
		Authentication full = (context instanceof SecurityContext one) ? one.getAuthentication() : null;
		if (!this.trust.isFullyAuthenticated(full)) {
			return context;
		}
		// Only a remember-me cookie proves itself by the key, and there is none.
		RememberMeAuthenticationToken remembered = new RememberMeAuthenticationToken("edge-session", full.getPrincipal(), full.getAuthorities());
		remembered.setDetails(full.getDetails());
		return new SecurityContextImpl(remembered);
	}

}
