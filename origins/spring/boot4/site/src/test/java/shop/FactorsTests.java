package shop;

import java.security.Principal;
import java.time.Duration;
import java.time.Instant;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.authorization.AllRequiredFactorsAuthorizationManager;
import org.springframework.security.config.annotation.authorization.EnableMultiFactorAuthentication;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.authority.FactorGrantedAuthority;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.intercept.RequestAuthorizationContext;
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
			var recently = AllRequiredFactorsAuthorizationManager.<RequestAuthorizationContext>builder()
				.requireFactor((factor) -> factor.passwordAuthority().validDuration(Duration.ofMinutes(5)))
				.build();
			return http.authorizeHttpRequests((requests) -> requests.requestMatchers("/danger").access(recently).anyRequest().authenticated())
				.formLogin(withDefaults())
				.rememberMe(withDefaults())
				.oneTimeTokenLogin((login) -> login.tokenGenerationSuccessHandler((request, response, sent) -> this.token = sent.getTokenValue()))
				.build();
		}

		@Bean
		UserDetailsService users() {
			return new InMemoryUserDetailsManager(User.withUsername("ann").password("{noop}secret").roles("USER").build());
		}

		@GetMapping({ "/private", "/danger" })
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

	/** As the gate keeps it. */
	private static ObjectNode factor(Edge edge, String authority) {
		for (JsonNode one : edge.data.at("/SPRING_SECURITY_CONTEXT/authentication/authorities/1")) {
			if (one.get("authority").textValue().equals(authority)) {
				return (ObjectNode) one;
			}
		}
		throw new AssertionError("there is no " + authority + " in " + edge.data);
	}

	@Test
	void aFactorThatWasProvedTooLongAgoIsAskedForAloneAndTheOtherKeepsItsTime() throws Exception {
		Edge edge = new Edge(this.mvc);
		edge.submit("/login", "username", "ann", "password", "secret");
		edge.submit("/ott/generate", "username", "ann");
		edge.submit("/login/ott", "token", this.application.token);
		assertThat(edge.read("/danger").getResponse().getContentAsString()).isEqualTo("the page of ann");
		String then = Instant.now().minusSeconds(600).toString();
		factor(edge, FactorGrantedAuthority.PASSWORD_AUTHORITY).put("issuedAt", then);
		factor(edge, FactorGrantedAuthority.OTT_AUTHORITY).put("issuedAt", then);
		assertThat(location(edge)).isNull();
		assertThat(edge.read("/danger").getResponse().getHeader("Location")).isEqualTo("https://shop.example/login?factor.type=password&factor.reason=expired");
		edge.submit("/login", "username", "ann", "password", "secret");
		assertThat(edge.read("/danger").getResponse().getContentAsString()).isEqualTo("the page of ann");
		assertThat(location(edge)).isNull();
		assertThat(factor(edge, FactorGrantedAuthority.OTT_AUTHORITY).get("issuedAt").textValue()).isEqualTo(then);
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
