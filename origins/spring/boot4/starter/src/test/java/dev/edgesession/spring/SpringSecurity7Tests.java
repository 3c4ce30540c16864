package dev.edgesession.spring;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

import com.fasterxml.jackson.databind.Module;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.edgesession.spring.security.RememberMeContext;
import dev.edgesession.spring.security.SecurityAttributeModules;
import org.junit.jupiter.api.Test;

import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.authentication.ott.OneTimeTokenAuthentication;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.FactorGrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.core.userdetails.User;

import static org.assertj.core.api.Assertions.assertThat;

/** What Spring Security 7 keeps of a login, and 6.5 did not. */
class SpringSecurity7Tests {

	private static final FactorGrantedAuthority PASSWORD = FactorGrantedAuthority.withFactor("PASSWORD").issuedAt(Instant.parse("2026-01-02T03:04:05.678901234Z")).build();

	private static final List<GrantedAuthority> AUTHORITIES = List.of(new SimpleGrantedAuthority("ROLE_USER"), PASSWORD);

	private final User user = new User("user-17", "", List.of(new SimpleGrantedAuthority("ROLE_USER")));

	private final AttributeCodec codec = codec();

	private static AttributeCodec codec() {
		List<Module> modules = new ArrayList<>(List.of(new JavaTimeModule(), new FlashMapModule()));
		modules.addAll(new SecurityAttributeModules().get());
		return new AttributeCodec(List.of(), modules);
	}

	private Authentication back(Authentication login) {
		return ((SecurityContext) this.codec.decode("x", this.codec.encode("x", new SecurityContextImpl(login)))).getAuthentication();
	}

	@Test
	void theFactorsOfALoginComeBackWithTheirTimeInLessThan800Bytes() {
		this.user.eraseCredentials();
		Authentication login = UsernamePasswordAuthenticationToken.authenticated(this.user, null, AUTHORITIES);
		assertThat(back(login)).isEqualTo(login);
		assertThat(back(login).getAuthorities()).filteredOn(FactorGrantedAuthority.class::isInstance)
			.singleElement()
			.extracting((one) -> ((FactorGrantedAuthority) one).getIssuedAt())
			.isEqualTo(PASSWORD.getIssuedAt());
		assertThat(SessionData.size(this.codec.encode("x", new SecurityContextImpl(login)))).isLessThan(800);
	}

	@Test
	void aLoginByAOneTimeTokenComesBack() {
		OneTimeTokenAuthentication login = new OneTimeTokenAuthentication(this.user, AUTHORITIES);
		login.setDetails("from there");
		assertThat(back(login)).isExactlyInstanceOf(OneTimeTokenAuthentication.class).isEqualTo(login).satisfies((one) -> assertThat(one.isAuthenticated()).isTrue());
		login.setAuthenticated(false);
		assertThat(back(login).isAuthenticated()).isFalse();
	}

	@Test
	void whoIsOnlyRememberedHasProvedNoFactor() {
		Authentication login = UsernamePasswordAuthenticationToken.authenticated(this.user, null, List.of(new SimpleGrantedAuthority("ROLE_USER"), PASSWORD, new SimpleGrantedAuthority("FACTOR_OTT")));
		Collection<? extends GrantedAuthority> left = ((SecurityContext) new RememberMeContext().seen(new SecurityContextImpl(login))).getAuthentication().getAuthorities();
		assertThat(left).extracting(GrantedAuthority::getAuthority).containsExactly("ROLE_USER");
	}

}
