package shop;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

import org.springframework.boot.test.autoconfigure.web.servlet.AutoConfigureMockMvc;
import org.springframework.boot.test.autoconfigure.web.servlet.MockMvcPrint;

/** A MockMvc that prints nothing: Boot 3.5 and Boot 4 have it in different packages. */
@Retention(RetentionPolicy.RUNTIME)
@AutoConfigureMockMvc(print = MockMvcPrint.NONE)
@interface WithMockMvc {

}
