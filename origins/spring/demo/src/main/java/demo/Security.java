package demo;

import dev.edgesession.spring.EdgeSessions;
import jakarta.servlet.http.HttpServletRequest;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationSuccessHandler;

import static org.springframework.security.config.Customizer.withDefaults;

/** Form login and remember-me, as ever. The gate turns cross-site requests away, so there are no CSRF tokens. */
@Configuration(proxyBeanMethods = false)
class Security {

	/** No inline script or style, nothing from elsewhere. */
	private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
			+ "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

	@Bean
	SecurityFilterChain chain(HttpSecurity http, EdgeSessions sessions) throws Exception {
		// The gate's path rules say the same. An application that is configured wrongly should still not show pages to nobody.
		return http
			.authorizeHttpRequests((requests) -> requests.requestMatchers("/", "/login", "/counter", "/assets/*", "/error")
				.permitAll()
				.anyRequest()
				.authenticated())
			.formLogin((form) -> form.loginPage("/login")
				.usernameParameter("user")
				.failureUrl("/login?failed")
				.successHandler(toWhereTheyWanted(sessions)))
			.rememberMe((remember) -> remember.rememberMeParameter("remember"))
			.csrf(AbstractHttpConfigurer::disable)
			.headers((headers) -> headers.contentSecurityPolicy((policy) -> policy.policyDirectives(POLICY)))
			.requestCache(withDefaults())
			.build();
	}

	private static AuthenticationSuccessHandler toWhereTheyWanted(EdgeSessions sessions) {
		return (request, response, authentication) -> {
			sessions.authenticated(request, "pwd");
			response.sendRedirect(localPath(request));
		};
	}

	/** A path of this site, else the session page: never somebody else's address. */
	private static String localPath(HttpServletRequest request) {
		String wanted = request.getParameter("return_to");
		return (wanted != null && wanted.matches("/(?![/\\\\])[^\\\\\\p{Cntrl}]*")) ? wanted : "/session";
	}

}
