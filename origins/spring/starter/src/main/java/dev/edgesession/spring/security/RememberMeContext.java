package dev.edgesession.spring.security;

import java.util.ArrayList;
import java.util.List;

import dev.edgesession.spring.RememberedUsers;

import org.springframework.security.authentication.AuthenticationTrustResolver;
import org.springframework.security.authentication.AuthenticationTrustResolverImpl;
import org.springframework.security.authentication.RememberMeAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.authentication.switchuser.SwitchUserGrantedAuthority;
import org.springframework.util.ClassUtils;

/**
 * As from a remember-me cookie of Spring Security: signed in, but not fully authenticated,
 * and by none of the factors that Spring Security 7 keeps as authorities of a login.
 */
public class RememberMeContext implements RememberedUsers {

	private static final boolean FACTORS = ClassUtils.isPresent(ProvedFactor.NAME,
			RememberMeContext.class.getClassLoader());

	private final AuthenticationTrustResolver trust = new AuthenticationTrustResolverImpl();

	@Override
	public Object seen(Object context) {
		Authentication saved = (context instanceof SecurityContext one) ? one.getAuthentication() : null;
		Authentication seen = (saved != null) ? remembered(saved) : null;
		return (seen == saved) ? context : new SecurityContextImpl(seen);
	}

	/** The same object where it is no full authentication. */
	private Authentication remembered(Authentication saved) {
		if (!this.trust.isFullyAuthenticated(saved)) {
			return saved;
		}
		// Only a remember-me cookie proves itself by the key, and there is none.
		RememberMeAuthenticationToken remembered = new RememberMeAuthenticationToken("edge-session", saved.getPrincipal(), unproved(saved));
		remembered.setDetails(saved.getDetails());
		return remembered;
	}

	/** Who has switched to another user comes back as no more than who they were. */
	private List<GrantedAuthority> unproved(Authentication saved) {
		List<GrantedAuthority> left = new ArrayList<>();
		for (GrantedAuthority one : saved.getAuthorities()) {
			if (one instanceof SwitchUserGrantedAuthority switched) {
				Authentication source = remembered(switched.getSource());
				left.add((source == switched.getSource()) ? one : new SwitchUserGrantedAuthority(one.getAuthority(), source));
			}
			else if (!isFactor(one)) {
				left.add(one);
			}
		}
		return left;
	}

	private static boolean isFactor(GrantedAuthority authority) {
		return authority instanceof ProvedFactor || FACTORS && authority.getAuthority() != null && authority.getAuthority().startsWith("FACTOR_");
	}

}
