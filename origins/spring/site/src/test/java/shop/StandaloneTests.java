package shop;

import java.util.Map;

import dev.edgesession.spring.EdgeSessions;
import dev.edgesession.spring.SessionDataException;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.mock.web.MockHttpSession;
import org.springframework.security.test.context.support.WithMockUser;
import org.springframework.test.web.servlet.MockMvc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.startsWith;
import static org.springframework.security.test.web.servlet.request.SecurityMockMvcRequestBuilders.formLogin;
import static org.springframework.security.test.web.servlet.request.SecurityMockMvcRequestBuilders.logout;
import static org.springframework.security.test.web.servlet.request.SecurityMockMvcRequestPostProcessors.csrf;
import static org.springframework.security.test.web.servlet.request.SecurityMockMvcRequestPostProcessors.user;
import static org.springframework.security.test.web.servlet.response.SecurityMockMvcResultMatchers.authenticated;
import static org.springframework.security.test.web.servlet.response.SecurityMockMvcResultMatchers.unauthenticated;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.flash;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.redirectedUrl;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.request;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

/** An application's own tests, written for MockMvc, without a gate: one property turns that on. */
@SpringBootTest(properties = "edge-session.standalone=true")
@WithMockMvc
class StandaloneTests {

	@Autowired
	MockMvc mvc;

	@Autowired
	EdgeSessions sessions;

	private MockHttpSession login(String name) throws Exception {
		return (MockHttpSession) this.mvc.perform(formLogin().user(name).password("secret"))
			.andExpect(authenticated().withUsername(name))
			.andReturn()
			.getRequest()
			.getSession();
	}

	@Test
	void theLoginFormAndTheLogout() throws Exception {
		this.mvc.perform(formLogin().user("user-1").password("secret")).andExpect(redirectedUrl("/data")).andExpect(authenticated());
		this.mvc.perform(formLogin().user("user-1").password("wrong")).andExpect(unauthenticated());
		this.mvc.perform(logout()).andExpect(redirectedUrl("/login?logout")).andExpect(unauthenticated());
	}

	@Test
	void theSessionOfOneRequestIsGivenToTheNext() throws Exception {
		MockHttpSession session = login("user-1");
		this.mvc.perform(get("/private").session(session)).andExpect(content().string("the page of user-1"));
		this.mvc.perform(post("/logout").session(session).with(csrf()));
		assertThat(session.isInvalid()).isTrue();
	}

	@Test
	void sessionAttributesAreSetByTheTestAndReadByTheControllerAndBack() throws Exception {
		this.mvc.perform(get("/data").sessionAttr("cart", 3)).andExpect(content().string(containsString("\"cart\":3")));
		this.mvc.perform(get("/bump?name=a")).andExpect(request().sessionAttribute("a", 1));
	}

	@Test
	@WithMockUser("user-7")
	void aMockUser() throws Exception {
		this.mvc.perform(get("/private")).andExpect(content().string("the page of user-7"));
		this.mvc.perform(get("/admin")).andExpect(status().isForbidden());
		this.mvc.perform(get("/admin").with(user("x").roles("ADMIN"))).andExpect(status().isOk());
	}

	@Test
	void aPageThatNeedsALoginLeadsToIt() throws Exception {
		MockHttpSession session = (MockHttpSession) this.mvc.perform(get("/private").accept("text/html"))
			.andExpect(header().string("Location", endsWith("/login"))) // Boot 4 says no host
			.andReturn()
			.getRequest()
			.getSession();
		this.mvc.perform(post("/login").session(session).with(csrf()).param("username", "user-1").param("password", "secret"))
			.andExpect(redirectedUrl("http://localhost/private?continue"));
	}

	@Test
	void flashAttributes() throws Exception {
		this.mvc.perform(post("/notice").with(csrf())).andExpect(flash().attribute("notice", "Gespeichert: Grüße"));
	}

	@Test
	void oneSignInAtATime() throws Exception {
		MockHttpSession first = login("single-9");
		login("single-9");
		this.mvc.perform(get("/private").session(first)).andExpect(content().string(containsString("expired")));
	}

	@Test
	void sessionsAreListedAndEnded() throws Exception {
		MockHttpSession first = login("user-2");
		MockHttpSession second = login("user-2");
		MockHttpSession other = login("user-3");
		assertThat(this.sessions.listSessions("user-2")).extracting((one) -> one.sid()).containsExactlyInAnyOrder(first.getId(), second.getId());
		assertThat(this.sessions.endSession("user-2", first.getId())).isTrue();
		assertThat(this.sessions.endSession("user-2", first.getId())).isFalse();
		this.sessions.endSessions("user-2");
		assertThat(second.isInvalid()).isTrue();
		assertThat(other.isInvalid()).isFalse();
	}

	@Test
	void loggingOutEverywhereAndAChangedPassword() throws Exception {
		MockHttpSession first = login("user-4");
		MockHttpSession second = login("user-4");
		this.mvc.perform(post("/password").session(first).with(csrf())).andExpect(content().string("changed"));
		assertThat(second.isInvalid()).isTrue();
		assertThat(first.isInvalid()).isFalse();
		MockHttpSession third = login("user-4");
		this.mvc.perform(post("/everywhere").session(first).with(csrf())).andExpect(redirectedUrl("/login?logout"));
		assertThat(first.isInvalid() && third.isInvalid()).isTrue();
	}

	@Test
	void theClaimsAreThereAsFarAsTheContainerKnowsThem() throws Exception {
		MockHttpSession session = login("user-5");
		this.mvc.perform(get("/claims").session(session)).andExpect(content().string(startsWith("user-5 " + session.getId())));
	}

	@Test
	void whatTheGateWouldNotTakeFailsInATestAlready() {
		for (Object value : new Object[] { "x".repeat(3000), new Object(), Map.of("a", Double.NaN) }) {
			assertThatThrownBy(() -> this.mvc.perform(get("/plain").sessionAttr("a", value))).isInstanceOf(SessionDataException.class);
		}
	}

}
