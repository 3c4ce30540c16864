package shop;

import java.security.Principal;
import java.time.Instant;

import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.authorization.EnableMultiFactorAuthentication;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.authority.FactorGrantedAuthority;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import static org.assertj.core.api.Assertions.assertThat;
import static org.springframework.security.config.Customizer.withDefaults;

/** Spring Security 7 asks for a password and for a token that was sent: what was proved is in the session. */
@SpringBootTest(classes = FactorsTests.Application.class)
@WithMockMvc
class FactorsTests {

	@Configuration(proxyBeanMethods = false)
	@EnableAutoConfiguration
	@EnableMultiFactorAuthentication(authorities = { FactorGrantedAuthority.PASSWORD_AUTHORITY, FactorGrantedAuthority.OTT_AUTHORITY })
	@RestController
	static class Application {

		private String token;

		@Bean
		SecurityFilterChain chain(HttpSecurity http) throws Exception {
			return http.authorizeHttpRequests((requests) -> requests.anyRequest().authenticated())
				.formLogin(withDefaults())
				.rememberMe(withDefaults())
				.oneTimeTokenLogin((login) -> login.tokenGenerationSuccessHandler((request, response, sent) -> this.token = sent.getTokenValue()))
				.build();
		}

		@Bean
		UserDetailsService users() {
			return new InMemoryUserDetailsManager(User.withUsername("ann").password("{noop}secret").roles("USER").build());
		}

		@GetMapping("/private")
		String page(Principal user) {
			return "the page of " + user.getName();
		}

	}

	@Autowired
	MockMvc mvc;

	@Autowired
	Application application;

	private String location(Edge edge) throws Exception {
		return edge.read("/private").getResponse().getHeader("Location");
	}

	@Test
	void bothAreAskedForAndWhoIsOnlyRememberedHasProvedNeither() throws Exception {
		Edge edge = new Edge(this.mvc);
		edge.submit("/login", "username", "ann", "password", "secret", "remember-me", "on");
		edge.authTime = Instant.now().getEpochSecond();
		assertThat(location(edge)).isEqualTo("https://shop.example/login?factor.type=ott&factor.reason=missing");
		edge.submit("/ott/generate", "username", "ann");
		edge.submit("/login/ott", "token", this.application.token, "remember-me", "on");
		assertThat(edge.read("/private").getResponse().getContentAsString()).isEqualTo("the page of ann");
		edge.authTime -= 3600;
		assertThat(location(edge)).isEqualTo("https://shop.example/login");
	}

}
