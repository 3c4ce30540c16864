package shop;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

import org.springframework.boot.webmvc.test.autoconfigure.AutoConfigureMockMvc;
import org.springframework.boot.webmvc.test.autoconfigure.MockMvcPrint;

/** A MockMvc that prints nothing: Boot 3.5 and Boot 4 have it in different packages. */
@Retention(RetentionPolicy.RUNTIME)
@AutoConfigureMockMvc(print = MockMvcPrint.NONE)
@interface WithMockMvc {

}
