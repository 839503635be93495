import io, json, piexif, piexif.helper
from PIL import Image, PngImagePlugin
import PIL
print(PIL.__version__, piexif.VERSION)
out='./'
im=Image.new('RGB',(16,8))
im.putdata([(x*15,y*30,128) for y in range(8) for x in range(16)])
P={"3":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"cfg":8.0,"sampler_name":"euler","text":"f\u00fcchse \U0001f98a"},"is_changed":[float('nan')]},"9":{"class_type":"SaveImage","inputs":{"images":["3",0],"filename_prefix":"ComfyUI"}}}
W={"last_node_id":9,"nodes":[{"id":3,"type":"KSampler"},{"id":9,"type":"SaveImage"}],"links":[[1,3,0,9,0,"IMAGE"]],"version":0.4}
p,w=json.dumps(P),json.dumps(W)
icc=None
def comfy_exif(**more):
    e=im.getexif(); e[0x0110]="prompt:"+p; e[0x010f]="workflow:"+w
    for k,v in more.items(): e[int(k[1:],16)]=v
    return e
from PIL import ImageCms
icc=ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
im.save(out+'exif_make_model.jpg',exif=comfy_exif(),quality=80)
im.save(out+'exif_make_model.webp',exif=comfy_exif().tobytes(),lossless=True)
ims=[im,im.transpose(0)]
im.save(out+'exif_animated.webp',exif=comfy_exif(),save_all=True,append_images=ims[1:],duration=100,lossless=True)
# beside other data: a profile, an artist, a description
im.save(out+'exif_beside_others.webp',exif=comfy_exif(_0131="a camera's program",_013b="somebody").tobytes(),icc_profile=icc,lossless=True)
im.save(out+'exif_beside_others.jpg',exif=comfy_exif(_0131="a camera's program",_013b="somebody"),icc_profile=icc,quality=80,comment=b"a comment")
# one JSON in the user's comment, in UTF-16, as piexif writes it
uc=piexif.helper.UserComment.dump(json.dumps({"prompt":P,"workflow":w},ensure_ascii=False),encoding="unicode")
im.save(out+'exif_user_comment_unicode.jpg',exif=piexif.dump({"0th":{piexif.ImageIFD.Software:b"a program"},"Exif":{piexif.ExifIFD.UserComment:uc}}),quality=80)
ua=piexif.helper.UserComment.dump("a fox, steps: 20",encoding="ascii")
im.save(out+'exif_two_directories.jpg',exif=piexif.dump({"0th":{piexif.ImageIFD.ImageDescription:("Workflow:"+w).encode(),piexif.ImageIFD.Make:("Prompt: "+p).encode()},"Exif":{piexif.ExifIFD.UserComment:ua,piexif.ExifIFD.LensMake:b"glass"},"1st":{piexif.ImageIFD.Make:b"thumb"},"thumbnail":None}),quality=80)
# PNG: compressed, international, EXIF
i=PngImagePlugin.PngInfo(); i.add_text("prompt",p,zip=True); i.add_itxt("workflow",json.dumps(W,ensure_ascii=False),lang="en",tkey="Ablauf"); i.add_itxt("parameters","f\u00fcchse",zip=True); i.add_text("Title","caf\u00e9")
im.save(out+'png_all_kinds.png',pnginfo=i)
im.save(out+'png_exif.png',exif=comfy_exif(),icc_profile=icc)
im.save(out+'nothing.png'); im.save(out+'nothing.jpg',quality=80); im.save(out+'nothing.webp',lossless=True)
