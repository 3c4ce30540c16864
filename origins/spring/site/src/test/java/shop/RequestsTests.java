package shop;

import java.time.Instant;
import java.util.List;

import dev.edgesession.spring.testing.EdgeSessionMvc;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.session.FindByIndexNameSessionRepository;
import org.springframework.session.Session;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.MvcResult;
import org.springframework.test.web.servlet.request.MockHttpServletRequestBuilder;

import static dev.edgesession.spring.testing.EdgeSessionMvc.edgeSession;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.asyncDispatch;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;

/** Which requests reach a controller, and what they say about scheme and host. */
@SpringBootTest
@WithMockMvc
@ExtendWith(OutputCaptureExtension.class)
class RequestsTests {

	@Autowired
	MockMvc mvc;

	@Autowired
	FindByIndexNameSessionRepository<Session> sessions;

	private int status(MockHttpServletRequestBuilder request) throws Exception {
		return this.mvc.perform(request).andReturn().getResponse().getStatus();
	}

	private EdgeSessionMvc issued(long iat, long exp) {
		long now = Instant.now().getEpochSecond();
		return edgeSession().claim("iat", now + iat).claim("exp", now + exp);
	}

	@Test
	void whatDidNotComeThroughTheGateReachesNoController(CapturedOutput output) throws Exception {
		assertThat(status(get("/plain"))).isEqualTo(403);
		for (String assertion : List.of("", "x", "x.y.z")) {
			assertThat(status(get("/plain").header("Edge-Session-Assertion", assertion))).isEqualTo(403);
		}
		for (EdgeSessionMvc bad : List.of(issued(-200, -61), issued(120, 180), edgeSession().claim("aud", "other"), edgeSession().claim("aud", List.of("origin")),
				edgeSession().claim("iss", "https://evil.example"), edgeSession().claim("jti", 5))) {
			assertThat(status(get("/plain").with(bad))).isEqualTo(403);
		}
		assertThat(status(get("/plain").with(edgeSession()).header("Edge-Session-Assertion", "x"))).isEqualTo(403);
		assertThat(status(get("/plain").with(edgeSession()).with(edgeSession()))).as("two, both good").isEqualTo(403);
		assertThat(output.getAll()).contains("did not come through the gate").doesNotContain("eyJ");
	}

	@Test
	void aRefusalIsKeptByNoCache() throws Exception {
		assertThat(this.mvc.perform(get("/plain")).andReturn().getResponse().getHeader("Cache-Control")).isEqualTo("no-store");
	}

	@Test
	void aThreadForgetsTheRequestThatItWorkedFor() throws Exception {
		assertThat(status(get("/data").with(edgeSession().subject("user-1").sid("s")))).isEqualTo(200);
		assertThatThrownBy(() -> this.sessions.findById("s")).hasMessageContaining("no request belongs to this thread");
	}

	@Test
	void aSessionCannotBeginOnceTheHeadIsSentAndTheLogSaysSo(CapturedOutput output) throws Exception {
		MvcResult begun = this.mvc.perform(get("/stream").with(edgeSession())).andReturn();
		MvcResult result = this.mvc.perform(asyncDispatch(begun)).andReturn();
		assertThat(result.getResponse().getContentAsString()).isEqualTo("begun\ndone\n");
		assertThat(EdgeSessionMvc.operation(result)).isNull();
		assertThat(output.getAll()).contains("It is too late for that").doesNotContain("could not be asked");
	}

	@Test
	void aClockWithinAMinuteOfTheGatesIsGoodEnough() throws Exception {
		assertThat(status(get("/plain").with(issued(50, 110)))).isEqualTo(200);
		assertThat(status(get("/plain").with(issued(-110, -50)))).isEqualTo(200);
	}

	@Test
	void directPathsAreExactAndHaveNoSession() throws Exception {
		assertThat(status(get("/healthz"))).isEqualTo(200);
		for (String path : List.of("/healthz/", "/HEALTHZ", "/healthz2", "/x/../healthz")) {
			assertThat(status(get(path))).as(path).isEqualTo(403);
		}
		assertThatThrownBy(() -> status(get("/healthz?session=true"))).rootCause().hasMessageContaining("direct-paths");
	}

	@Test
	void schemeAndHostAreTheIssuersWhateverTheHeadersSayAndTheAssertionIsNotShown() throws Exception {
		String seen = this.mvc
			.perform(get("/where").with(edgeSession())
				.header("Host", "evil.example")
				.header("Forwarded", "host=evil.example;proto=http")
				.header("X-Forwarded-Host", "evil.example")
				.header("X-Forwarded-Port", "1")
				.header("X-Forwarded-Proto", "http"))
			.andReturn()
			.getResponse()
			.getContentAsString();
		assertThat(seen).contains("\"url\":\"https://shop.example/where\"", "\"secure\":true", "\"host\":\"shop.example\"", "\"port\":443", "\"hidden\":[]")
			.doesNotContainIgnoringCase("evil", "edge-session", "forwarded");
	}

	@Test
	void redirectsLeadToTheIssuer() throws Exception {
		for (String[] one : new String[][] { { "/x?y=1", "https://shop.example/x?y=1" }, { "x", "https://shop.example/x" }, { "?y", "https://shop.example/away?y" },
				{ "//other.example/", "https://other.example/" }, { "https://other.example/", "https://other.example/" } }) {
			assertThat(this.mvc.perform(get("/away").param("to", one[0]).with(edgeSession())).andReturn().getResponse().getRedirectedUrl()).isEqualTo(one[1]);
		}
	}

}
