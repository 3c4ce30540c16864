package dev.edgesession.spring;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.assertj.AssertableWebApplicationContext;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.session.web.http.SessionRepositoryFilter;

import static org.assertj.core.api.Assertions.assertThat;

/** Answers that another thread makes, as the container sees them. */
class AsyncTests {

	private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
		.withConfiguration(Boot.starterWith())
		.withPropertyValues("edge-session.issuer=https://shop.example", "edge-session.keys=k1:" + "QUJD".repeat(11));

	/** Answered by another thread, as quick as it can be: just when somebody looks whether there is one. */
	private static final class Quick extends MockHttpServletRequest {

		private Runnable answer;

		@Override
		public boolean isAsyncStarted() {
			Runnable now = this.answer;
			this.answer = null;
			if (now != null) {
				now.run();
			}
			return super.isAsyncStarted();
		}

	}

	@Test
	void whatAnotherThreadChangedIsKeptHoweverQuickItIs() {
		this.runner.run((context) -> {
			Quick request = new Quick();
			request.setAsyncSupported(true);
			ObjectNode claims = Json.object().put("sid", "s");
			claims.set("data", Json.object());
			request.addHeader(EdgeRequest.ASSERTION, TestMessages.of(context).assertion(claims));
			HttpServlet servlet = new HttpServlet() {

				@Override
				protected void service(HttpServletRequest seen, HttpServletResponse response) {
					HttpSession session = seen.getSession();
					session.setAttribute("first", 1);
					AsyncContext async = seen.startAsync();
					request.answer = () -> {
						session.setAttribute("last", 2);
						async.complete();
					};
				}

			};
			MockHttpServletResponse response = new MockHttpServletResponse();
			new MockFilterChain(servlet, context.getBean("edgeSessionFilter", FilterRegistrationBean.class).getFilter(), context.getBean(SessionRepositoryFilter.class),
					context.getBean("edgeSessionFailureFilter", FilterRegistrationBean.class).getFilter())
				.doFilter(request, response);
			request.isAsyncStarted(); // where nobody has looked
			ObjectNode control = TestMessages.of(context).control(response.getHeader(EdgeResponse.CONTROL));
			assertThat(control.get("set")).isEqualTo(Json.object().put("first", 1).put("last", 2));
		});
	}

	private interface Answer {

		void write(HttpSession session, HttpServletResponse response) throws Exception;

	}

	/** What the gate is told when a thread that belongs to no request, such as an event stream's, writes the first byte. */
	private ObjectNode written(AssertableWebApplicationContext context, Answer answer) throws Exception {
		MockHttpServletRequest request = new MockHttpServletRequest();
		request.setAsyncSupported(true);
		ObjectNode claims = Json.object().put("sid", "s");
		claims.putObject("data").put("name", "Ann");
		request.addHeader(EdgeRequest.ASSERTION, TestMessages.of(context).assertion(claims));
		CompletableFuture<Void> begin = new CompletableFuture<>();
		AtomicReference<CompletableFuture<Void>> written = new AtomicReference<>();
		HttpServlet servlet = new HttpServlet() {

			@Override
			protected void service(HttpServletRequest seen, HttpServletResponse response) {
				HttpSession session = seen.getSession();
				AsyncContext async = seen.startAsync();
				written.set(begin.thenRunAsync(() -> {
					try {
						answer.write(session, response);
						async.complete();
					}
					catch (Exception ex) {
						throw new CompletionException(ex);
					}
				}));
			}

		};
		MockHttpServletResponse response = new MockHttpServletResponse();
		new MockFilterChain(servlet, context.getBean("edgeSessionFilter", FilterRegistrationBean.class).getFilter(), context.getBean(SessionRepositoryFilter.class),
				context.getBean("edgeSessionFailureFilter", FilterRegistrationBean.class).getFilter())
			.doFilter(request, response);
		begin.complete(null);
		written.get().get(10, TimeUnit.SECONDS);
		assertThat(response.getContentAsString()).isEqualTo("event");
		return TestMessages.of(context).control(response.getHeader(EdgeResponse.CONTROL));
	}

	@Test
	void anotherThreadMayWriteTheFirstByte() {
		this.runner.run((context) -> {
			ObjectNode unchanged = written(context, (session, response) -> {
				response.getWriter().print("event");
				response.flushBuffer();
			});
			assertThat(unchanged).isNull();
			ObjectNode changed = written(context, (session, response) -> {
				session.setAttribute("seen", 1);
				response.getWriter().print("event");
				response.flushBuffer();
			});
			assertThat(changed.get("set")).isEqualTo(Json.object().put("seen", 1));
		});
	}

	@Test
	void anotherThreadMayEndTheSession() {
		this.runner.run((context) -> {
			ObjectNode control = written(context, (session, response) -> {
				session.invalidate();
				response.getWriter().print("event");
				response.flushBuffer();
			});
			assertThat(control.get("op").textValue()).isEqualTo("destroy");
		});
	}

}
