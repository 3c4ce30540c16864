package dev.edgesession.spring;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.util.logging.Level;
import java.util.logging.Logger;

import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import org.springframework.boot.test.context.assertj.AssertableWebApplicationContext;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;

/** Pages with parts that other servlets make, as JSP includes them: for those the container ignores all headers. */
class IncludeTests {

	private static final Logger TOMCAT = Logger.getLogger("org.apache");

	@BeforeAll
	static void quiet() {
		TOMCAT.setLevel(Level.WARNING);
	}

	private final WebApplicationContextRunner runner = WebServer.with(Pages.class);

	@Configuration(proxyBeanMethods = false)
	static class Pages {

		@Bean
		ServletRegistrationBean<HttpServlet> page() {
			return new ServletRegistrationBean<>(new HttpServlet() {

				@Override
				protected void doGet(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {
					if (request.getParameter("page") != null) {
						request.getSession().setAttribute("page", 1);
					}
					request.getRequestDispatcher("/part").include(request, response);
				}

			}, "/page");
		}

		@Bean
		ServletRegistrationBean<HttpServlet> part() {
			return new ServletRegistrationBean<>(new HttpServlet() {

				@Override
				protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
					if (request.getParameter("set") != null) {
						request.getSession().setAttribute("part", request.getParameter("set"));
					}
					response.getWriter().print("Hello " + request.getSession().getAttribute("name"));
					response.flushBuffer();
				}

			}, "/part");
		}

	}

	private static HttpURLConnection get(AssertableWebApplicationContext context, String path) throws IOException {
		ObjectNode claims = Json.object().put("sid", "s");
		claims.putObject("data").put("name", "Ann");
		HttpURLConnection connection = WebServer.get(context, path, claims);
		assertThat(new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).isEqualTo("Hello Ann");
		return connection;
	}

	@Test
	void whatAPartOfThePageChangesIsKept() {
		this.runner.run((context) -> {
			for (String path : new String[] { "/page?set=x", "/page?set=x&page=1" }) {
				HttpURLConnection answer = get(context, path);
				ObjectNode control = TestMessages.of(context).control(answer.getHeaderField(EdgeResponse.CONTROL));
				assertThat(control).as(path).isNotNull();
				assertThat(control.get("set").path("part").asText()).as(path).isEqualTo("x");
				assertThat(control.get("set").has("page")).as(path).isEqualTo(path.contains("page=1"));
				assertThat(answer.getHeaderField("Cache-Control")).isEqualTo("private, no-store");
			}
		});
	}

	@Test
	void aPageWhosePartShowsTheSessionVariesByCookie() {
		this.runner.run((context) -> assertThat(get(context, "/page").getHeaderField("Vary")).isEqualTo("Cookie"));
	}

}
