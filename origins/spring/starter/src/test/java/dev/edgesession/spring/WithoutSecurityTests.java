package dev.edgesession.spring;

import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.edgesession.spring.testing.EdgeSessionMvc;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpSession;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.session.Session;
import org.springframework.session.SessionRepository;
import org.springframework.session.web.http.SessionRepositoryFilter;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.MvcResult;
import org.springframework.test.web.servlet.request.MockMvcRequestBuilders;
import org.springframework.test.web.servlet.setup.MockMvcBuilders;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.filter.ForwardedHeaderFilter;

import static dev.edgesession.spring.testing.EdgeSessionMvc.edgeSession;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** An application that has Spring MVC alone, and says itself whose session it is. */
class WithoutSecurityTests {

	@RestController
	static class Pages {

		private final SessionRepository<Session> sessions;

		Pages(SessionRepository<Session> sessions) {
			this.sessions = sessions;
		}

		@GetMapping("/of-another")
		String ofAnother(HttpSession session) {
			assertThat(this.sessions.findById(session.getId()).getId()).isEqualTo(session.getId());
			assertThatThrownBy(() -> this.sessions.deleteById("of-another")).hasMessageContaining("EdgeSessions.endSession");
			return String.valueOf(this.sessions.findById("of-another"));
		}

		@GetMapping("/large")
		String large(HttpSession session) {
			session.setAttribute("large", "x".repeat(3000));
			return "large";
		}

		@GetMapping("/plain")
		String plain() {
			return "plain";
		}

		@GetMapping("/who")
		String who(HttpServletRequest request) {
			HttpSession session = request.getSession(false);
			return "account " + ((session != null) ? session.getAttribute("account") : "of nobody");
		}

		@GetMapping("/login")
		String login(HttpSession session) {
			session.setAttribute("account", "17");
			return session.getId();
		}

		@GetMapping("/logout")
		String logout(HttpSession session) {
			session.removeAttribute("account");
			return "bye";
		}

		@GetMapping("/become")
		@SuppressWarnings("unchecked")
		String become(HttpSession session) {
			((List<String>) session.getAttribute("account")).set(0, "18"); // changed in place
			return "18";
		}

		@GetMapping("/bad")
		String bad(HttpSession session) {
			session.setAttribute("account", "a\nb");
			return "bad";
		}

		@GetMapping("/empty")
		String empty(HttpSession session) {
			return "items " + List.of(session.getAttributeNames()).size();
		}

	}

	private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
		.withConfiguration(Boot.starterWith(Boot.MVC.toArray(Class<?>[]::new)))
		.withBean(SubjectResolver.class, () -> (attributes) -> {
			Object account = attributes.apply("account");
			return (String) ((account instanceof List<?> several) ? several.get(0) : account);
		})
		.withUserConfiguration(Pages.class)
		.withPropertyValues("edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + "QUJD".repeat(11));

	private interface Body {

		void accept(MockMvc mvc) throws Exception;

	}

	private void run(Body body) {
		run(this.runner, body);
	}

	private void run(WebApplicationContextRunner runner, Body body) {
		runner.run((context) -> {
			Filter[] filters = { new ForwardedHeaderFilter(), context.getBean("edgeSessionFilter", FilterRegistrationBean.class).getFilter(), context.getBean(SessionRepositoryFilter.class),
					context.getBean("edgeSessionFailureFilter", FilterRegistrationBean.class).getFilter() };
			body.accept(MockMvcBuilders.webAppContextSetup(context).addFilters(filters).build());
		});
	}

	private static MvcResult get(MockMvc mvc, String path, EdgeSessionMvc from) throws Exception {
		return mvc.perform(MockMvcRequestBuilders.get(path).with(from)).andReturn();
	}

	@Test
	void theSessionOfAnotherRequestIsNeitherFoundNorDeleted() {
		run((mvc) -> {
			MvcResult result = get(mvc, "/of-another", edgeSession().subject("17").claim("data", Map.of("account", "17")));
			assertThat(result.getResponse().getContentAsString()).isEqualTo("null");
			assertThat(EdgeSessionMvc.operation(result)).isNull();
		});
	}

	@Test
	void aSessionThatBeginsTooLargeIsAnErrorOfTheApplication() {
		run((mvc) -> assertThatThrownBy(() -> get(mvc, "/large", edgeSession())).rootCause().hasMessageContaining("more than 2048"));
	}

	@Test
	void responsesThatReadTheSessionVaryByCookieAndOthersDoNot() {
		run((mvc) -> {
			for (EdgeSessionMvc from : List.of(edgeSession(), edgeSession().subject("17").claim("data", Map.of("account", "17")))) {
				assertThat(get(mvc, "/plain", from).getResponse().getHeaders("Vary")).isEmpty();
				for (String path : List.of("/who", "/empty")) {
					assertThat(get(mvc, path, from).getResponse().getHeaders("Vary")).as(path).contains("Cookie");
				}
			}
		});
	}

	@Test
	void whoseSessionItIsIsWhatTheApplicationSays() {
		run((mvc) -> {
			MvcResult login = get(mvc, "/login", edgeSession().claim("jti", "j1"));
			ObjectNode control = EdgeSessionMvc.operation(login);
			assertThat(control.toString()).isEqualTo("{\"op\":\"create\",\"sub\":\"17\",\"data\":{\"account\":\"17\"}}");
			assertThat(login.getResponse().getContentAsString()).isEqualTo("j1");
			EdgeSessionMvc user = edgeSession().subject("17").claim("data", Map.of("account", "17", "cart", 1));
			assertThat(EdgeSessionMvc.operation(get(mvc, "/login", user))).isNull();
			assertThat(EdgeSessionMvc.operation(get(mvc, "/logout", user)).toString()).isEqualTo("{\"op\":\"create\",\"data\":{\"cart\":1}}");
			user = edgeSession().subject("17").claim("data", Map.of("account", "17"));
			assertThat(EdgeSessionMvc.operation(get(mvc, "/logout", user)).toString()).isEqualTo("{\"op\":\"destroy\"}");
		});
	}

	@Test
	void whoeverChangesTheAccountInPlaceBeginsASessionOfTheOther() {
		run((mvc) -> {
			EdgeSessionMvc user = edgeSession().subject("17").claim("data", Map.of("account", List.of("~u.ArrayList", List.of("17"))));
			assertThat(EdgeSessionMvc.operation(get(mvc, "/who", user))).isNull();
			ObjectNode control = EdgeSessionMvc.operation(get(mvc, "/become", user));
			assertThat(control.get("op").textValue() + control.path("sub").textValue()).isEqualTo("create18");
		});
	}

	@Test
	void aSubjectThatTheGateWouldRefuseIsAnErrorOfTheApplication() {
		run((mvc) -> {
			try {
				assertThat(get(mvc, "/bad", edgeSession()).getResponse().getStatus()).isEqualTo(500);
			}
			catch (Exception ex) {
				assertThat(ex).hasRootCauseInstanceOf(SessionDataException.class);
			}
		});
	}

	/** With forward-headers-strategy=framework the application sees another path than the one that was sent. */
	@Test
	void aClientsPrefixMakesNoPathADirectOne() {
		run(this.runner.withPropertyValues("edge-session.direct-paths=/ops/plain"), (mvc) -> {
			var past = MockMvcRequestBuilders.get("/plain").header("X-Forwarded-Prefix", "/ops");
			assertThat(mvc.perform(past).andReturn().getResponse().getStatus()).isEqualTo(403);
		});
	}

	@Test
	void anEmptySessionIsNotKept() {
		run((mvc) -> assertThat(EdgeSessionMvc.operation(get(mvc, "/empty", edgeSession()))).isNull());
	}

}
