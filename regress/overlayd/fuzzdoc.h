/* SPDX-License-Identifier: ISC */
/*
 * The document in force in the fuzz targets: overlay.test, sequence 1, made by
 * viprctl ca, whose keys are gone.  Seeds of conf_fuzz and secblock_fuzz were
 * signed by the same authority.
 */
#ifndef FUZZDOC_H
#define FUZZDOC_H

#define FUZZ_NOW	1800000000	/* UTC s; when its certificates are valid */

static const char fuzz_document[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\" xmlns:chord=\"urn:ietf:par"
	"ams:xml:ns:p2p:config-chord\">\n"
	" <configuration instance-name=\"overlay.test\" sequence=\"1\" expiration=\"2031-11-2"
	"1T12:02:09Z\">\n"
	"  <topology-plugin>CHORD-RELOAD</topology-plugin>\n"
	"  <node-id-length>16</node-id-length>\n"
	"  <root-cert>MIIBijCCATGgAwIBAgIQXfGJOl7NRioGNqSJBpCy/DAKBggqhkjOPQQDAjAkMSIwIAYDVQQ"
	"DDBlvdmVybGF5LnRlc3Qgb3ZlcmxheSByb290MB4XDTI2MTEyMjExMDIwOVoXDTM2MTExOTEyMDIwOVowJDE"
	"iMCAGA1UEAwwZb3ZlcmxheS50ZXN0IG92ZXJsYXkgcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOs"
	"8kwWDGLuLp58Z5pN3WlFGyJGF1cPaRBme9eWC7abYhIKRQpDQIKNBq9Lm/52duGeOVK1mkO926p8u85mj3Ji"
	"jRTBDMBIGA1UdEwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBS4oU9lpXbSmityxwe"
	"hnZ/anytCZjAKBggqhkjOPQQDAgNHADBEAiABejoj8lMuhpvhMlseGOIdNbftuU8CvUjyEgW5CORPpQIgAuX"
	"VegbC9uZV2X3az9r6zcLIU5x1/EB15jFm1mZkSlM=</root-cert>\n"
	"  <bootstrap-node address=\"127.0.0.1\" port=\"6084\"/>\n"
	"  <no-ice>true</no-ice>\n"
	"  <turn-density>0</turn-density>\n"
	"  <max-message-size>100000</max-message-size>\n"
	"  <mandatory-extension>urn:x-vipr:reload:1</mandatory-extension>\n"
	"  <kind-signer>64e077bcb1a80df13ed348a02757cc26</kind-signer>\n"
	"  <configuration-signer>64e077bcb1a80df13ed348a02757cc26</configuration-signer>\n"
	"  <chord:chord-update-interval>600</chord:chord-update-interval>\n"
	"  <required-kinds>\n"
	"   <kind-block>\n"
	"    <kind id=\"4032186704\" xmlns:vipr=\"urn:x-vipr:reload:1\">\n"
	"     <data-model>DICTIONARY</data-model>\n"
	"     <access-control>VIPR-NODE-KEY-MATCH</access-control>\n"
	"     <max-count>64</max-count>\n"
	"     <max-size>64</max-size>\n"
	"     <vipr:lifetime>86400</vipr:lifetime>\n"
	"     <vipr:max-per-node>1</vipr:max-per-node>\n"
	"     <vipr:quota>20000</vipr:quota>\n"
	"    </kind>\n"
	"    <kind-signature>AewAAekwggHlMIIBiqADAgECAhBXJYSR5PvlH14PX13tszn4MAoGCCqGSM49BAMC"
	"MCQxIjAgBgNVBAMMGW92ZXJsYXkudGVzdCBvdmVybGF5IHJvb3QwHhcNMjYxMTIyMTEwMjA5WhcNMzYxMTE5"
	"MTIwMjA5WjAAMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzuvUX/oPLMS7rJRU7HO7EaKcY/agqb+M6Z92"
	"LJpkPv2F0AAhhbXtf4P/mHjBSKTSjOT2xqdZ2lOSMT2m+iF06KOBwTCBvjAMBgNVHRMBAf8EAjAAMA4GA1Ud"
	"DwEB/wQEAwIHgDAdBgNVHQ4EFgQUGAD11r3qjz8tiFeNTOsEgqBun80wHwYDVR0jBBgwFoAUuKFPZaV20por"
	"cscHoZ2f2p8rQmYwXgYDVR0RAQH/BFQwUoY7cmVsb2FkOi8vMDExMDY0ZTA3N2JjYjFhODBkZjEzZWQzNDhh"
	"MDI3NTdjYzI2QG92ZXJsYXkudGVzdC+BE3NpZ25lckBvdmVybGF5LnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIh"
	"AImbO1AmRH9gxMpdEgkmsudI427fE3Y3dRUT297vaak7AiEAhPKIFTBabIoI1xo2uJAYv1xc2sjD5dqOE/E3"
	"pXast/oEAwEAIgQgxBYs8jNFXEiKEHZeBHQ0SJ13R1NMgt4HMJFbAd+/LeAARjBEAiBVUwvjo4JXjtnks1kJ"
	"A4m9g4dWfKr+fE69WBHPldfmnAIgChouuGoBwXZ14GUzMkwTk9+0oFxAJfk0qKx4jC3Ti1A=</kind-signa"
	"ture>\n"
	"   </kind-block>\n"
	"  </required-kinds>\n"
	" </configuration>\n"
	" <signature>AewAAekwggHlMIIBiqADAgECAhBXJYSR5PvlH14PX13tszn4MAoGCCqGSM49BAMCMCQxIjAg"
	"BgNVBAMMGW92ZXJsYXkudGVzdCBvdmVybGF5IHJvb3QwHhcNMjYxMTIyMTEwMjA5WhcNMzYxMTE5MTIwMjA5"
	"WjAAMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzuvUX/oPLMS7rJRU7HO7EaKcY/agqb+M6Z92LJpkPv2F"
	"0AAhhbXtf4P/mHjBSKTSjOT2xqdZ2lOSMT2m+iF06KOBwTCBvjAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQE"
	"AwIHgDAdBgNVHQ4EFgQUGAD11r3qjz8tiFeNTOsEgqBun80wHwYDVR0jBBgwFoAUuKFPZaV20porcscHoZ2f"
	"2p8rQmYwXgYDVR0RAQH/BFQwUoY7cmVsb2FkOi8vMDExMDY0ZTA3N2JjYjFhODBkZjEzZWQzNDhhMDI3NTdj"
	"YzI2QG92ZXJsYXkudGVzdC+BE3NpZ25lckBvdmVybGF5LnRlc3QwCgYIKoZIzj0EAwIDSQAwRgIhAImbO1Am"
	"RH9gxMpdEgkmsudI427fE3Y3dRUT297vaak7AiEAhPKIFTBabIoI1xo2uJAYv1xc2sjD5dqOE/E3pXast/oE"
	"AwEAIgQgxBYs8jNFXEiKEHZeBHQ0SJ13R1NMgt4HMJFbAd+/LeAARjBEAiB94HF/LEeqZIkzs7uZrUkpADBF"
	"7P7It6I4X/B5MUXz0QIgTNHnQWM8ojxinSPX5T9xuJxoX/GyBf/iFoqN8sSsQoE=</signature>\n"
	"</overlay>\n";

#endif
