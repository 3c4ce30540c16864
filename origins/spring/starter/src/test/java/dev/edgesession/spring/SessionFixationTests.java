package dev.edgesession.spring;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.edgesession.spring.security.PrincipalSubjectResolver;
import dev.edgesession.spring.security.RememberMeContext;
import dev.edgesession.spring.security.SecurityAttributeModules;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.authentication.session.ChangeSessionIdAuthenticationStrategy;
import org.springframework.security.web.authentication.session.NullAuthenticatedSessionStrategy;
import org.springframework.security.web.authentication.session.SessionAuthenticationStrategy;
import org.springframework.security.web.authentication.session.SessionFixationProtectionStrategy;
import org.springframework.session.web.http.SessionRepositoryFilter;

import static org.assertj.core.api.Assertions.assertThat;

/** A login by each of the strategies that Spring Security has against session fixation. */
class SessionFixationTests {

	private static final String CONTEXT = "SPRING_SECURITY_CONTEXT";

	private static final Map<String, SessionAuthenticationStrategy> STRATEGIES = Map.of("changeSessionId", new ChangeSessionIdAuthenticationStrategy(),
			"migrateSession", new SessionFixationProtectionStrategy(), "none", new NullAuthenticatedSessionStrategy());

	private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
		.withConfiguration(Boot.starterWith())
		.withBean(SubjectResolver.class, PrincipalSubjectResolver::new)
		.withBean(AttributeModules.class, SecurityAttributeModules::new)
		.withBean(RememberedUsers.class, RememberMeContext::new)
		.withPropertyValues("edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + "QUJD".repeat(11));

	/** What the gate is told of ann's login over a session that would end in 100 seconds, a visitor's or hers. */
	private void login(SessionAuthenticationStrategy strategy, String subject, boolean remember, BiConsumer<ObjectNode, MockHttpServletResponse> then) {
		this.runner.run((context) -> {
			long now = Instant.now().getEpochSecond();
			Authentication ann = UsernamePasswordAuthenticationToken.authenticated("ann", null, List.of());
			ObjectNode claims = Json.object().put("sid", "s");
			ObjectNode data = claims.putObject("data").put("cart", 1);
			if (subject != null) {
				claims.put("sub", subject).put("auth_time", now - 3600);
				data.put(SessionChange.REMEMBERED, true);
				data.set(CONTEXT, context.getBean(AttributeCodec.class).encode(CONTEXT, new SecurityContextImpl(ann)));
			}
			claims.putObject("session").put("created", now - 1700).put("idle", now + 100).put("absolute", now + 9000).put("checked", now);
			MockHttpServletRequest request = new MockHttpServletRequest("POST", "/login");
			request.addHeader(EdgeRequest.ASSERTION, TestMessages.of(context).assertion(claims));
			MockHttpServletResponse response = new MockHttpServletResponse();
			new MockFilterChain(new HttpServlet() {

				@Override
				protected void service(HttpServletRequest seen, HttpServletResponse answer) {
					strategy.onAuthentication(ann, seen, answer);
					seen.getSession().setAttribute(CONTEXT, new SecurityContextImpl(ann));
					if (remember) {
						Cookie cookie = new Cookie("remember-me", "x");
						cookie.setMaxAge(1_209_600);
						answer.addCookie(cookie);
					}
				}

			}, context.getBean("edgeSessionFilter", FilterRegistrationBean.class).getFilter(), context.getBean(SessionRepositoryFilter.class),
					context.getBean("edgeSessionFailureFilter", FilterRegistrationBean.class).getFilter())
				.doFilter(request, response);
			then.accept(TestMessages.of(context).control(response.getHeader(EdgeResponse.CONTROL)), response);
		});
	}

	@Test
	void aLoginIsANewSessionWithAPatienceOfItsOwn() {
		STRATEGIES.forEach((name, strategy) -> login(strategy, null, false, (control, response) -> {
			assertThat(control.get("op").textValue()).as(name).isEqualTo("create");
			assertThat(control.get("sub").textValue()).as(name).isEqualTo("ann");
			assertThat(control.get("data").get("cart").intValue()).as(name).isEqualTo(1);
			assertThat(control.has("idle")).as(name).isFalse();
		}));
	}

	@Test
	void whoeverIsOnlyRememberedIsFullyAuthenticatedByALogin() {
		STRATEGIES.forEach((name, strategy) -> login(strategy, "ann", false, (control, response) -> {
			assertThat(control.get("op").textValue()).as(name).isEqualTo("create");
			assertThat(control.get("sub").textValue()).as(name).isEqualTo("ann");
			assertThat(control.has("remember")).as(name).isFalse();
			assertThat(control.get("data").has(SessionChange.REMEMBERED)).as(name).isFalse();
		}));
	}

	@Test
	void rememberMeIsTheGatesAlsoWhenTheSameUserLogsInAgain() {
		for (String before : new String[] { null, "ann" }) {
			STRATEGIES.forEach((name, strategy) -> login(strategy, before, true, (control, response) -> {
				String which = name + " over " + before;
				assertThat(response.getCookie("remember-me")).as(which).isNull();
				assertThat(control.get("op").textValue()).as(which).isEqualTo("create");
				assertThat(control.path("remember").asBoolean()).as(which).isTrue();
				assertThat(control.get("absolute").intValue()).as(which).isEqualTo(1_209_600);
			}));
		}
	}

}
