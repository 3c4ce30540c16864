package shop;

import java.util.ArrayList;
import java.util.List;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.session.SessionLimit;

import static org.springframework.security.config.Customizer.withDefaults;

/** As an application has it: it does not know of edge-session. */
@Configuration(proxyBeanMethods = false)
class Security {

	/** Users named single-… may be signed in once, and those named pair-… twice. */
	private static final SessionLimit LIMIT = (authentication) -> authentication.getName().startsWith("single-") ? 1 : authentication.getName().startsWith("pair-") ? 2 : -1;

	@Bean
	SecurityFilterChain chain(HttpSecurity http) throws Exception {
		return http
			.authorizeHttpRequests((requests) -> requests.requestMatchers("/admin")
				.hasRole("ADMIN")
				.requestMatchers("/private")
				.authenticated()
				.requestMatchers("/danger")
				.fullyAuthenticated()
				.anyRequest()
				.permitAll())
			.formLogin((form) -> form.defaultSuccessUrl("/data"))
			.rememberMe(withDefaults())
			.sessionManagement((sessions) -> sessions.sessionConcurrency((concurrency) -> concurrency.maximumSessions(LIMIT)))
			.build();
	}

	@Bean
	UserDetailsService users() {
		List<UserDetails> users = new ArrayList<>();
		for (int i = 1; i <= 60; i++) {
			users.add(User.withUsername("user-" + i).password("{noop}secret").roles("USER").build());
			users.add(User.withUsername("pair-" + i).password("{noop}secret").roles("USER").build());
			users.add(User.withUsername("single-" + i).password("{noop}secret").roles("USER").build());
		}
		users.add(User.withUsername("root").password("{noop}secret").roles("USER", "ADMIN").build());
		return new InMemoryUserDetailsManager(users);
	}

}
