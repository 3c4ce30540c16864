package dev.edgesession.spring;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.ApplicationContext;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.session.web.http.SessionRepositoryFilter;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Random histories: whatever an application does to its session in one request, before the
 * head and after it, the gate has in the end what the application had, under the ID that
 * the application was told.
 */
class HistoriesTests {

	private static final int HISTORIES = 400;

	private static final List<String> STEPS = List.of("set a 0", "set a 1", "set b 1", "set c 1", "remove a", "remove b", "login ann", "login bob", "logout", "rename",
			"invalidate", "begin", "commit");

	private record Kept(String subject, ObjectNode data) {

	}

	/** What the gate keeps, by sid. */
	private final Map<String, Kept> kept = new ConcurrentHashMap<>();

	/** Does what the gate is told, and gives the session's handle after it. */
	private String carryOut(ObjectNode operation, String sid, String jti) {
		Kept session = (sid != null) ? this.kept.get(sid) : null;
		switch (operation.get("op").textValue()) {
			case "create" -> {
				if (sid != null) {
					this.kept.remove(sid);
				}
				this.kept.put(jti, new Kept(operation.path("sub").textValue(), operation.withObject("/data")));
				return jti;
			}
			case "destroy" -> {
				if (sid != null) {
					this.kept.remove(sid);
				}
				return null;
			}
			default -> {
				if (session == null) {
					return sid;
				}
				operation.path("unset").forEach((name) -> session.data.remove(name.textValue()));
				operation.path("set").properties().forEach((one) -> session.data.set(one.getKey(), one.getValue()));
				if (operation.get("op").textValue().equals("rotate") && session.subject != null) {
					this.kept.put(jti, this.kept.remove(sid));
					return jti;
				}
				return sid;
			}
		}
	}

	private void outOfBand(HttpExchange exchange, ApplicationContext context) throws IOException {
		ObjectNode message = TestMessages.of(context).control(new String(exchange.getRequestBody().readAllBytes()));
		Kept session = this.kept.get(message.path("sid").asText());
		boolean there = session != null && Objects.equals(session.subject, message.path("sub").textValue());
		if (there) {
			carryOut(message, message.get("sid").textValue(), null);
		}
		exchange.sendResponseHeaders(there ? 204 : 404, -1);
		exchange.close();
	}

	/** One request: what the application does, and what it has and knows at the end. */
	private final class Application extends HttpServlet {

		private final List<String> steps;

		private final Runnable onCommit;

		private final Map<String, Object> left = new TreeMap<>();

		private String id;

		Application(List<String> steps, Runnable onCommit) {
			this.steps = steps;
			this.onCommit = onCommit;
		}

		@Override
		protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
			for (String step : this.steps) {
				step(step.split(" "), request, response);
			}
			HttpSession session = request.getSession(false);
			if (session != null) {
				Collections.list(session.getAttributeNames()).forEach((name) -> this.left.put(name, session.getAttribute(name)));
				this.id = session.getId();
			}
		}

		private void step(String[] step, HttpServletRequest request, HttpServletResponse response) throws IOException {
			boolean early = !response.isCommitted();
			HttpSession session = request.getSession(false);
			if (step[0].equals("commit") && early) {
				response.flushBuffer();
				this.onCommit.run();
			}
			if (step[0].equals("begin") && early) {
				request.getSession();
			}
			if (session == null) {
				return;
			}
			switch (step[0]) {
				case "set" -> session.setAttribute(step[1], Integer.valueOf(step[2]));
				case "remove" -> session.removeAttribute(step[1]);
				case "invalidate" -> session.invalidate();
				case "login" -> {
					if (early) {
						request.changeSessionId();
						session.setAttribute("account", step[1]);
					}
				}
				case "logout" -> {
					if (early) {
						session.removeAttribute("account");
					}
				}
				case "rename" -> {
					if (early) {
						request.changeSessionId();
					}
				}
				default -> {
				}
			}
		}

	}

	@Test
	void whatTheGateHasInTheEndIsWhatTheApplicationHad() throws Exception {
		HttpServer gate = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
		gate.start();
		new WebApplicationContextRunner().withConfiguration(Boot.starterWith())
			.withBean(SubjectResolver.class, () -> (attributes) -> (String) attributes.apply("account"))
			.withPropertyValues("edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + "QUJD".repeat(11),
					"edge-session.control-url=http://127.0.0.1:" + gate.getAddress().getPort() + "/")
			.run((context) -> {
				gate.createContext("/", (exchange) -> outOfBand(exchange, context));
				for (int seed = 1; seed <= HISTORIES; seed++) {
					history(seed, context);
				}
			});
		gate.stop(0);
	}

	private void history(int seed, ApplicationContext context) throws Exception {
		Random random = new Random(seed);
		String sid = new String[] { null, "guest", "user" }[random.nextInt(3)];
		String subject = "user".equals(sid) ? "ann" : null;
		this.kept.clear();
		ObjectNode claims = Json.object().put("jti", "jti");
		if (sid != null) {
			ObjectNode data = Json.object().put("a", 1).put("b", 2);
			if (subject != null) {
				data.put("account", subject);
				claims.put("sub", subject);
			}
			claims.put("sid", sid).set("data", data.deepCopy());
			this.kept.put(sid, new Kept(subject, data));
		}
		List<String> steps = new ArrayList<>();
		for (int i = 1 + random.nextInt(9); i > 0; i--) {
			steps.add(STEPS.get(random.nextInt(STEPS.size())));
		}
		MockHttpServletRequest request = new MockHttpServletRequest();
		request.addHeader(EdgeRequest.ASSERTION, TestMessages.of(context).assertion(claims));
		MockHttpServletResponse response = new MockHttpServletResponse();
		String[] after = { sid };
		boolean[] read = { false };
		Runnable head = () -> {
			ObjectNode operation = TestMessages.of(context).control(response.getHeader(EdgeResponse.CONTROL));
			after[0] = (operation != null && !read[0]) ? carryOut(operation, sid, "jti") : after[0];
			read[0] = true;
		};
		Application application = new Application(steps, head);
		new MockFilterChain(application, context.getBean("edgeSessionFilter", FilterRegistrationBean.class).getFilter(), context.getBean(SessionRepositoryFilter.class),
				context.getBean("edgeSessionFailureFilter", FilterRegistrationBean.class).getFilter())
			.doFilter(request, response);
		head.run();
		Kept session = (after[0] != null) ? this.kept.get(after[0]) : null;
		String history = seed + " " + sid + " " + steps + " left " + application.left + " kept " + this.kept + " after " + after[0];
		Map<String, Object> data = new TreeMap<>();
		if (session != null) {
			session.data.properties().forEach((one) -> data.put(one.getKey(), one.getValue().isInt() ? one.getValue().intValue() : one.getValue().textValue()));
			assertThat(session.subject).as(history).isEqualTo(application.left.get("account"));
			assertThat(after[0]).as(history).isEqualTo(application.id);
		}
		assertThat(data).as(history).isEqualTo(application.left);
	}

}
