package dev.edgesession.spring;

import java.time.Instant;
import java.util.Map;
import java.util.function.Consumer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.junit.jupiter.api.Test;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.session.SessionAutoConfiguration;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.authentication.TestingAuthenticationToken;
import org.springframework.security.web.authentication.session.ChangeSessionIdAuthenticationStrategy;
import org.springframework.security.web.authentication.session.NullAuthenticatedSessionStrategy;
import org.springframework.security.web.authentication.session.SessionAuthenticationStrategy;
import org.springframework.security.web.authentication.session.SessionFixationProtectionStrategy;
import org.springframework.session.web.http.SessionRepositoryFilter;

import static org.assertj.core.api.Assertions.assertThat;

/** A login by each of the strategies that Spring Security has against session fixation. */
class SessionFixationTests {

	private static final Map<String, SessionAuthenticationStrategy> STRATEGIES = Map.of("changeSessionId", new ChangeSessionIdAuthenticationStrategy(),
			"migrateSession", new SessionFixationProtectionStrategy(), "none", new NullAuthenticatedSessionStrategy());

	private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(EdgeSessionAutoConfiguration.class, SessionAutoConfiguration.class))
		.withBean(SubjectResolver.class, () -> (attributes) -> (String) attributes.apply("user"))
		.withPropertyValues("edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + "QUJD".repeat(11));

	/** What the gate is told of a login over a visitor's session that would end in 100 seconds. */
	private void login(SessionAuthenticationStrategy strategy, Consumer<ObjectNode> then) {
		this.runner.run((context) -> {
			long now = Instant.now().getEpochSecond();
			ObjectNode claims = Json.object().put("sid", "s");
			claims.putObject("data").put("cart", 1);
			claims.putObject("session").put("created", now - 1700).put("idle", now + 100).put("absolute", now + 9000).put("checked", now);
			MockHttpServletRequest request = new MockHttpServletRequest("POST", "/login");
			request.addHeader(EdgeRequest.ASSERTION, TestMessages.of(context).assertion(claims));
			MockHttpServletResponse response = new MockHttpServletResponse();
			new MockFilterChain(new HttpServlet() {

				@Override
				protected void service(HttpServletRequest seen, HttpServletResponse answer) {
					strategy.onAuthentication(new TestingAuthenticationToken("ann", null), seen, answer);
					seen.getSession().setAttribute("user", "ann");
				}

			}, context.getBean("edgeSessionFilter", FilterRegistrationBean.class).getFilter(), context.getBean(SessionRepositoryFilter.class),
					context.getBean("edgeSessionFailureFilter", FilterRegistrationBean.class).getFilter())
				.doFilter(request, response);
			then.accept(TestMessages.of(context).control(response.getHeader(EdgeResponse.CONTROL)));
		});
	}

	@Test
	void aLoginIsANewSessionWithAPatienceOfItsOwn() {
		STRATEGIES.forEach((name, strategy) -> login(strategy, (control) -> {
			assertThat(control.get("op").textValue()).as(name).isEqualTo("create");
			assertThat(control.get("sub").textValue()).as(name).isEqualTo("ann");
			assertThat(control.get("data").get("cart").intValue()).as(name).isEqualTo(1);
			assertThat(control.has("idle")).as(name).isFalse();
		}));
	}

}
