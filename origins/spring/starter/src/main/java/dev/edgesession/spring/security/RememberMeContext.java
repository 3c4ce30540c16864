package dev.edgesession.spring.security;

import java.util.List;

import dev.edgesession.spring.RememberedUsers;

import org.springframework.security.authentication.AuthenticationTrustResolver;
import org.springframework.security.authentication.AuthenticationTrustResolverImpl;
import org.springframework.security.authentication.RememberMeAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.util.ClassUtils;

/**
 * As from a remember-me cookie of Spring Security: signed in, but not fully authenticated,
 * and by none of the factors that Spring Security 7 keeps as authorities of a login.
 */
public class RememberMeContext implements RememberedUsers {

	private static final boolean FACTORS = ClassUtils.isPresent("org.springframework.security.core.authority.FactorGrantedAuthority",
			RememberMeContext.class.getClassLoader());

	private final AuthenticationTrustResolver trust = new AuthenticationTrustResolverImpl();

	@Override
	public Object seen(Object context) {
		Authentication full = (context instanceof SecurityContext one) ? one.getAuthentication() : null;
		if (!this.trust.isFullyAuthenticated(full)) {
			return context;
		}
		// Only a remember-me cookie proves itself by the key, and there is none.
		RememberMeAuthenticationToken remembered = new RememberMeAuthenticationToken("edge-session", full.getPrincipal(), withoutFactors(full));
		remembered.setDetails(full.getDetails());
		return new SecurityContextImpl(remembered);
	}

	private static List<? extends GrantedAuthority> withoutFactors(Authentication full) {
		return full.getAuthorities().stream().filter((one) -> !FACTORS || one.getAuthority() == null || !one.getAuthority().startsWith("FACTOR_")).toList();
	}

}
